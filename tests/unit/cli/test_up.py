"""What `surefill up` says of how to go on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cli.up import USAGE, command_name


@pytest.mark.parametrize(
    ("on_path", "started_by", "named"),
    [
        (True, ".venv/bin/surefill", "surefill"),
        (False, ".venv/bin/surefill", ".venv/bin/surefill"),
        (False, "/opt/a b/surefill", "'/opt/a b/surefill'"),
        (False, "/opt/cli/main.py", "surefill"),
    ],
)
def test_the_command_is_named_as_the_next_shell_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_path: bool, started_by: str, named: str
) -> None:
    if on_path:
        command = tmp_path / "surefill"
        command.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [started_by, "up"])
    assert command_name() == named
    assert f"the same  {named} submit " in USAGE.format(api="http://127.0.0.1:8080", command=command_name())
