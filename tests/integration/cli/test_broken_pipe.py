"""A command whose output nobody reads, as before `| head -1`, says nothing of it, and its exit code claims nothing."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.integration.cli.test_rebuild import Start, start
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
