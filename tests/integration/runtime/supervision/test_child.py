"""What a child is given of its parent's environment."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from runtime.embedded import valkey
from runtime.supervision import child
from runtime.supervision.child import HARMLESS, Program, bare_environment


async def test_a_program_gets_its_own_environment_and_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVIDER_KEY", "secret")
    show = (sys.executable, "-c", "import os; print(sorted(os.environ))")
    program = Program("show", show, tmp_path, bare_environment(LC_ALL="C"), log=tmp_path / "log")
    process = await child.start(program)
    assert await process.wait() == 0
    assert set(eval((tmp_path / "log").read_text())) <= {*HARMLESS, "LC_ALL"}  # noqa: S307 - what we printed


def test_valkey_is_given_a_bare_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVIDER_KEY", "secret")
    environment = valkey.prepare(tmp_path).program.environment
    assert "PATH" in environment
    assert set(environment) <= set(HARMLESS)
