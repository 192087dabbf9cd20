"""A command whose output nobody reads, as before `| head -1`, says nothing of it, and its exit code claims nothing."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from tests.integration.cli.test_rebuild import SUREFILL, Start, start
from tests.integration.verification.conftest import AuditHarness, audit, three_orders

__all__ = ["audit", "start", "three_orders"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("guards", 1),
        ("guards --json", 1),
        ("accounts list", 1),
        ("accounts list --json", 1),
        ("keys list --json", 1),
        ("verify --no-chain", 3),
        ("verify --no-chain --json", 3),
        ("rebuild orders", 0),
        ("rebuild orders --json", 0),
        ("--help", 1),
    ],
)
async def test_it_ends_without_a_word(
    command: str, code: int, start: Start, audit: AuditHarness, three_orders: list[UUID]
) -> None:
    process = start(*command.split())
    assert process.stdout and process.stderr
    process.stdout.close()
    assert (process.stderr.read(), process.wait(60)) == ("", code)


@pytest.mark.parametrize(
    ("command", "code"),
    [("guards", 1), ("env", 1), ("accounts list --json", 1), ("verify --no-chain", 3), ("--help", 1)],
)
async def test_a_full_disk_ends_it_with_a_sentence(
    command: str, code: int, audit: AuditHarness, three_orders: list[UUID]
) -> None:
    env = {
        **os.environ,
        "DATABASE_URL": audit.database.app,
        "DATABASE_OWNER_URL": "",
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    with Path("/dev/full").open("w") as full:  # noqa: ASYNC230 - a device
        ended = await asyncio.to_thread(
            subprocess.run, [SUREFILL, *command.split()], env={**env, "SOLANA_RPC_URL": "http://127.0.0.1:1"},
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    said = "surefill: No space left on device: what was to be written isn't\n"
    assert (ended.stderr, ended.returncode) == (said, code)
