import os
import stat
from pathlib import Path

import pytest

from chains.durable_file import write_durably


def test_a_file_is_written_and_written_over_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_durably(path, "one")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("one", 0o600)
    write_durably(path, "zwölf", mode=0o644)
    assert (path.read_text("utf-8"), stat.S_IMODE(path.stat().st_mode)) == ("zwölf", 0o644)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_the_content_is_flushed_before_the_file_has_its_name_and_the_directory_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    flushed = []

    def fsync(handle: int) -> None:
        flushed.append((stat.S_ISDIR(os.fstat(handle).st_mode), os.fstat(handle).st_size > 0, path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    write_durably(path, "content")
    assert [flushed[0][1:], (flushed[1][0], flushed[1][2])] == [(True, False), (True, True)]


def test_a_write_that_fails_leaves_the_earlier_content_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_durably(path, "earlier")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_durably(path, "later")
    assert path.read_text() == "earlier"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
