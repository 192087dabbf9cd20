"""An order that this log has signed nothing for, and whose guard the chain shows: it doesn't end before the wallet's
history has said what became of it, which is asked for at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from commands.ids import DEFAULT_ACCOUNT
from domain.codes import Code
from domain.commands import GiveUp, RequestCancel
from runtime.composition import lease_of
from runtime.roles.wallet_history import compose as compose_watch
from runtime.roles.wallet_history import reading
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_execution import QUICK
from tests.integration.workers.test_foreign_transactions import executed, recovered
from workers.history.watch import HISTORY, Pace

SELDOM = Pace(every=600, again=0.05, blocks=2)


@asynccontextmanager
async def watching_seldom(engine: EngineHarness) -> AsyncIterator[None]:
    """The comparison, which by itself comes once. Entered once that has found nothing."""
    async with reading(engine.settings, engine.store, engine.wallet.address, engine.genesis_hash) as reader:
        watch = compose_watch(engine.store, reader, SELDOM)

        async def compare() -> None:
            async with lease_of(engine.store, HISTORY).hold() as lease:
                await watch.run(lease)

        task = asyncio.create_task(compare())
        async with asyncio.timeout(10):
            while not await _completed(engine):
                await asyncio.sleep(0.02)
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _completed(engine: EngineHarness) -> bool:
    async with engine.pool.connection() as connection:
        row = await (await connection.execute("select completed from wallet_history")).fetchone()
    return bool(row and row[0])


@pytest.mark.parametrize("as_ordered", [True, False], ids=["as ordered", "with other terms"])
async def test_it_waits_past_its_deadline_and_its_cancel_until_it_is_recovered(
    engine: EngineHarness, other: EngineHarness, as_ordered: bool
) -> None:
    async with watching_seldom(other):
        theirs = await executed(engine, "mine", **({} if as_ordered else {"amount_in": 400_000_000}))
        assert theirs.fill
        mine = await other.submit(client_order_id="mine", deadline=now() + timedelta(seconds=2))
        await other.execute(mine)
        order = await other.order(mine)
        assert (order.status, order.obstacle, order.attempts) == ("routing", Code.GUARD_TAKEN, ())
        await asyncio.sleep(max(0.0, (order.deadline - now()).total_seconds()) if order.deadline else 0)
        late = await other.orders.execute(await other.history(mine), GiveUp(Code.CHAIN_UNAVAILABLE, "", now()))
        assert late.order and not late.order.ended
        asked = await other.orders.execute(await other.history(mine), RequestCancel(by="me"))
        assert asked.order and asked.order.cancellation and not asked.order.ended
        assert await other.accounts.unrecovered(DEFAULT_ACCOUNT) is None
        # The next visit signs no cancel either, and has the history compared.
        await other.execute(mine)
        async with asyncio.timeout(5):
            while not (behind := await other.accounts.unrecovered(DEFAULT_ACCOUNT)):
                await asyncio.sleep(0.02)
    assert theirs.fill.tx_hash in behind.reason
    assert (await other.order(mine)).attempts == ()
    await recovered(other)
    order = await other.order(mine)
    if as_ordered:
        assert order.fill and (order.status, order.fill.tx_hash) == ("confirmed", theirs.fill.tx_hash)
    else:
        assert order.failure and (order.failure.code, order.failure.retryable) == (Code.EXECUTED_ELSEWHERE, False)
    assert await other.accounts.contradictions(DEFAULT_ACCOUNT) == []


async def test_an_order_whose_guard_the_other_one_of_its_list_took_ends_by_that(engine: EngineHarness) -> None:
    accepted = await engine.submit_list("oco", {}, {})
    filled, slower = accepted.order_ids
    await engine.execute(filled)
    async with asyncio.timeout(10):
        while (seen := await engine.order(slower)).obstacle != Code.GUARD_TAKEN:
            await engine.execute(slower)
            assert not seen.attempts
    await engine.execute(slower)
    assert not (await engine.order(slower)).ended
    engine.start_tracker(QUICK)
    assert (await engine.until(filled, lambda one: one.ended)).status == "confirmed"
    order = await engine.until(slower, lambda one: one.ended)
    assert order.cancellation and (order.status, order.cancellation.code) == ("cancelled", Code.OTHER_LEG_FILLED)
