"""Hundreds of orders that begin at the same moment wait for the venue and not for each other."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from domain.events import TransactionSubmitted
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_raydium import through_raydium

MANY = 200


async def test_two_hundred_are_at_the_venue_at_once_and_share_what_they_ask_of_others(
    engine: EngineHarness, monkeypatch
):
    """The venue answers none before all have asked, first for quotes, then for transactions: whatever let some of them
    wait for others would end in time-outs. It is the first that this process knows of the log and the chain.
    """
    asked: Counter[str] = Counter()

    def counted(owner: Any, name: str) -> None:
        ask = getattr(owner, name)

        async def count(*args: Any, **more: Any) -> Any:
            asked[name] += 1
            return await ask(*args, **more)

        monkeypatch.setattr(owner, name, count)

    async with through_raydium(engine, within=60.0) as setting:
        setting.stub.together = asyncio.Barrier(MANY), asyncio.Barrier(MANY)
        ids = [await engine.submit(amount_in=10_000_000 + number) for number in range(MANY)]
        counted(engine.accounts, "trading")
        counted(engine.accounts, "engine_trading")
        counted(engine.market.chain, "accounts")
        await engine.execute(*ids, executor=setting.executor)
        sent = [await setting.recorded(order_id, TransactionSubmitted) for order_id in ids]
    assert [len(each) for each in sent] == [1] * MANY
    # The guards of the trading state are read once, and which token accounts there are; the pools are the stub's.
    assert asked["trading"] <= 2
    assert asked["engine_trading"] <= 2
    assert asked["accounts"] < MANY / 4
