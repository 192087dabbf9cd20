"""A command whose output nobody reads, as before `| head -1`, says nothing of it, and its exit code claims nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import pytest

from tests.integration.cli.conftest import SUREFILL
from tests.integration.cli.test_rebuild import environment as of_an_operator
from tests.integration.verification.conftest import AuditHarness, audit, three_orders
from tests.integration.warm import Warm

__all__ = ["audit", "of_an_operator", "three_orders"]

NO_ROOM = "surefill: No space left on device: what was to be written isn't\n"


@pytest.fixture
def environment(of_an_operator: dict[str, str]) -> dict[str, str]:
    return {**of_an_operator, "REDIS_URL": "redis://127.0.0.1:1", "SOLANA_RPC_URL": "http://127.0.0.1:1"}


@pytest.fixture
def nobody() -> Iterator[BinaryIO]:
    """Where to write: a pipe whose reader is gone."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        yield pipe


@pytest.fixture
def full() -> Iterator[BinaryIO]:
    with Path("/dev/full").open("wb") as device:
        yield device


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
    command: str, code: int, warm: Warm, environment: dict[str, str], nobody: BinaryIO, tmp_path: Path,
    audit: AuditHarness, three_orders: list[UUID],
) -> None:  # fmt: skip
    ended = warm.run(*command.split(), env=environment, cwd=tmp_path, stdout=nobody)
    assert (ended.stderr, ended.returncode) == ("", code)


@pytest.mark.parametrize(
    ("command", "code"),
    [("guards", 1), ("env", 1), ("accounts list --json", 1), ("verify --no-chain", 3), ("--help", 1)],
)
async def test_a_full_disk_ends_it_with_a_sentence(
    command: str, code: int, warm: Warm, environment: dict[str, str], full: BinaryIO, tmp_path: Path,
    audit: AuditHarness, three_orders: list[UUID],
) -> None:  # fmt: skip
    ended = warm.run(*command.split(), env=environment, cwd=tmp_path, stdout=full)
    assert (ended.stderr, ended.returncode) == (NO_ROOM, code)


def test_the_installed_command_ends_so(
    environment: dict[str, str], nobody: BinaryIO, full: BinaryIO, tmp_path: Path
) -> None:
    for stdout, said in ((nobody, ""), (full, NO_ROOM)):
        ended = subprocess.run(
            [SUREFILL, "guards"], env=environment, cwd=tmp_path, stdout=stdout, stderr=subprocess.PIPE, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert (ended.stderr, ended.returncode) == (said, 1)
