"""The gate that who signs waits at: for as long as nothing can be compared it hardly asks."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from commands.ids import DEFAULT_ACCOUNT
from runtime.roles import wallet_history
from runtime.roles.wallet_history import HistoryGate
from tests.integration.workers.harness import EngineHarness
from workers.history.table import HistoryTable, Numbers


class Counted(HistoryTable):
    asked = 0

    async def numbers(self) -> Numbers:
        self.asked += 1
        return await super().numbers()


@pytest.mark.parametrize(("at_first", "least", "most"), [(0.0, 1, 2), (60.0, 3, 16)])
async def test_it_looks_often_at_first_and_then_once_a_second(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch, at_first: float, least: int, most: int
) -> None:
    monkeypatch.setattr(wallet_history, "AT_FIRST_S", at_first, raising=False)
    table = Counted(engine.pool, DEFAULT_ACCOUNT)
    gate = replace(await HistoryGate.of(engine.store), table=table)
    with pytest.raises(TimeoutError):  # nobody compares
        await asyncio.wait_for(gate.opened(), 1.5)
    assert least <= table.asked <= most
