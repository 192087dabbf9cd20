"""Who may hold a data directory, and what becomes of it."""

from pathlib import Path

import pytest

from runtime.data_directory import occupied


@pytest.mark.parametrize("mode", [0o1777, 0o700])
async def test_a_directory_that_was_there_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    async with occupied(tmp_path):
        assert tmp_path.stat().st_mode & 0o7777 == mode


async def test_a_new_directory_lets_others_pass_and_not_look(tmp_path: Path) -> None:
    async with occupied(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").stat().st_mode & 0o7777 == 0o711
