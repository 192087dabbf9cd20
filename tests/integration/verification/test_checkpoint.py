"""The checkpoint's file, and both commands as an operator has them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from tests.integration.verification.conftest import AuditHarness
from tests.integration.warm import Warm
from verification import checkpoint as checkpoints
from verification.errors import CheckpointError, InvalidCheckpointError

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(warm: Warm, audit: AuditHarness, tmp_path: Path) -> Run:
    def surefill(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "DATABASE_URL": audit.database.app, "DATA_DIR": str(tmp_path), **settings}
        return warm.run(*arguments, env=environment, cwd=tmp_path)

    return surefill


async def test_a_checkpoint_is_written_whole_and_read_again(
    audit: AuditHarness, three_orders: list[UUID], tmp_path: Path
):
    taken = audit.checkpoint()
    file = tmp_path / "checkpoint.json"
    checkpoints.write(taken, file)

    assert checkpoints.read(file) == taken
    assert (taken.position, taken.streams) == (6, 3)
    assert [one.name for one in tmp_path.iterdir()] == ["checkpoint.json"]


async def test_a_newer_checkpoint_is_never_overwritten(audit: AuditHarness, three_orders: list[UUID], tmp_path: Path):
    file, older = tmp_path / "checkpoint.json", audit.checkpoint()
    await audit.submit()
    newer = audit.checkpoint()
    checkpoints.write(newer, file)

    with pytest.raises(CheckpointError, match="holds a newer checkpoint, of position 8; this one is of 6"):
        checkpoints.write(older, file)
    assert checkpoints.read(file) == newer


async def test_what_is_no_checkpoint_is_never_overwritten(
    audit: AuditHarness, three_orders: list[UUID], tmp_path: Path
):
    file = tmp_path / "notes.txt"
    file.write_text("mine")

    with pytest.raises(InvalidCheckpointError, match="is not a checkpoint"):
        checkpoints.write(audit.checkpoint(), file)
    assert file.read_text() == "mine"


async def test_an_edited_checkpoint_is_refused(audit: AuditHarness, three_orders: list[UUID], tmp_path: Path):
    file = tmp_path / "checkpoint.json"
    file.write_text(audit.checkpoint().text().replace('"position": 6', '"position": 5'))

    with pytest.raises(InvalidCheckpointError, match="is damaged or was edited"):
        checkpoints.read(file)


async def test_no_checkpoint_is_taken_of_a_log_that_is_not_what_it_was(audit: AuditHarness, three_orders: list[UUID]):
    earlier = audit.checkpoint()
    audit.rewrite(lambda event: event if event.position < 5 else None)

    with pytest.raises(CheckpointError, match="no checkpoint of a log that does not hold"):
        audit.checkpoint(earlier)


async def test_both_commands_by_their_exit_codes(
    audit: AuditHarness, three_orders: list[UUID], run: Run, tmp_path: Path
):
    file = str(tmp_path / "kept.json")
    assert run("checkpoint", file).returncode == 0
    assert json.loads(run("checkpoint").stdout)["position"] == 6

    unchecked = run("verify", "--checkpoint", file, "--json", "--no-chain")
    assert (unchecked.returncode, unchecked.stderr) == (3, "")
    *findings, verdict = [json.loads(line) for line in unchecked.stdout.splitlines()]
    assert [one["finding"]["check"] for one in findings] == ["chain"]
    assert verdict["verdict"] == "unchecked"
    assert verdict["lookedAt"]["events"] == 6

    audit.change("update events set state = set_byte(state, 40, get_byte(state, 40) # 1) where position = 3")
    differs = run("verify", "--checkpoint", file, "--no-chain")
    assert differs.returncode == 1
    assert f"stream {three_orders[1]} version 1 position 3: " in differs.stdout
    assert "something differs" in differs.stdout


async def test_what_cannot_be_looked_at_is_neither_equal_nor_different(audit: AuditHarness, run: Run):
    away = run("verify", DATABASE_URL="postgresql://a:hunter2@127.0.0.1:1/d", SOLANA_RPC_URL="http://127.0.0.1:1")
    assert away.returncode == 3
    assert "hunter2" not in away.stdout + away.stderr

    assert run("verify", DATABASE_URL="").returncode == 3
    missing = run("verify", "--checkpoint", "nowhere.json")
    assert (missing.returncode, missing.stderr) == (
        2,
        "surefill: the checkpoint nowhere.json cannot be read: No such file or directory\n",
    )
