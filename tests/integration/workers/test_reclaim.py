"""Rents come back from guards, by recorded transactions, and never while the guard may still be needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from chains.guard import GUARD_BYTES
from commands.ids import DEFAULT_ACCOUNT
from domain.account import ReclaimBuilt, ReclaimExpired, ReclaimFailed, ReclaimLanded
from domain.reclaim import Reclaim
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_execution import QUICK

SHORT, WEEK = "1s", "7d"


async def confirmed(engine: EngineHarness, count: int = 1) -> list[UUID]:
    """Orders that ended well; projector and tracker go on."""
    engine.start_projector()
    engine.start_tracker(QUICK)
    order_ids = [await engine.submit() for _ in range(count)]
    await engine.execute(*order_ids)
    for order_id in order_ids:
        assert (await engine.until(order_id, lambda order: order.ended)).status == "confirmed"
    return order_ids


async def rows(engine: EngineHarness) -> dict[UUID, dict[str, Any]]:
    """The table of guards by order."""
    names = ("order_id", "since", "lamports", "largest", "not_before", "obstacle", "reclaim", "returned")
    async with engine.pool.connection() as connection:
        found = await (await connection.execute(f"select {', '.join(names)} from guards")).fetchall()
    return {row[0]: dict(zip(names, row, strict=True)) for row in found}


async def until(engine: EngineHarness, holds: Callable[[dict[UUID, dict[str, Any]]], bool], within: float = 30) -> Any:
    """The table once ``holds`` says so."""
    deadline = asyncio.get_running_loop().time() + within
    while not holds(found := await rows(engine)):
        assert asyncio.get_running_loop().time() < deadline, found
        await asyncio.sleep(0.05)
    return found


async def reclaims(engine: EngineHarness) -> list[Reclaim]:
    """Every reclaim the log has, by its first event."""
    found = []
    for event in await engine.events.read(0, 10_000):
        if event.topic == ReclaimBuilt.TOPIC:
            reclaim = await engine.store.reclaims.load(event.stream_id)
            assert reclaim
            found.append(reclaim)
    return found


def guard_of(engine: EngineHarness, order_id: UUID) -> str:
    return engine.wallet.guard_key().of_order(engine.wallet.address, order_id).address


async def test_rents_come_back_once_their_time_is_over_and_the_orders_stay_what_they_were(engine: EngineHarness):
    order_ids = await confirmed(engine, 3)
    before = [await engine.order(order_id) for order_id in order_ids]
    holds = await engine.chain.lamports(engine.wallet.address)
    rent = await engine.chain.rent(GUARD_BYTES)
    engine.start_reclaimer(SHORT)
    found = await until(engine, lambda rows: len(rows) == 3 and all(row["returned"] for row in rows.values()))
    assert {row["lamports"] for row in found.values()} == {rent}
    [reclaim] = await reclaims(engine)
    assert isinstance(reclaim.end, ReclaimLanded)
    assert (reclaim.end.lamports, reclaim.end.tokens, reclaim.end.fee_lamports) == (3 * rent, 0, 10_000)
    assert await engine.chain.lamports(engine.wallet.address) == holds + 3 * rent - 10_000
    seen = await engine.chain.guards(engine.genesis_hash, [guard_of(engine, order_id) for order_id in order_ids])
    assert len(seen.gone) == 3
    assert [await engine.order(order_id) for order_id in order_ids] == before
    assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted
