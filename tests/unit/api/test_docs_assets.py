"""The files that /docs loads are the release that was chosen, whole, with its licence."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from api.docs.assets import CHECKSUMS, FILES, KEPT, checksums, integrity, unpack
from api.docs.page import STATIC


def release(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def test_every_kept_file_is_as_it_was_released() -> None:
    assert CHECKSUMS.read_text() == checksums(KEPT)
    assert {path.name for path in KEPT.iterdir()} == {*FILES, CHECKSUMS.name}
    assert "Apache License" in (KEPT / "LICENSE").read_text()


def test_a_file_that_was_changed_has_another_checksum(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes((KEPT / name).read_bytes())
    assert checksums(tmp_path) == CHECKSUMS.read_text()
    with (tmp_path / "swagger-ui-bundle.js").open("ab") as bundle:
        bundle.write(b"\n")
    assert checksums(tmp_path) != CHECKSUMS.read_text()


def test_a_release_is_told_by_its_bytes_and_only_named_files_are_taken(tmp_path: Path) -> None:
    whole = {name: name.encode() for name in FILES}
    archive = release(**whole, **{"../../outside": b"", "index.html": b""})
    assert integrity(archive) != integrity(archive + b"\0")
    unpack(archive, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == whole
    with pytest.raises(KeyError):
        unpack(release(LICENSE=b""), tmp_path)


@pytest.mark.parametrize("name", ["docs.html", "docs.js", "docs.css", "favicon.svg"])
def test_our_own_files_name_no_other_server(name: str) -> None:
    text = (STATIC / name).read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "//" not in text.replace("// ", "")
