"""An order that the lost end of the log executed and whose guard it closed: the chain would let it succeed again.

The nodes have thrown the swap away, and show the reclaim still. Only this log can keep the order from a second swap.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from chains.solana_client import SolanaChain
from cli.outside import outside_orders
from commands.ids import DEFAULT_ACCOUNT
from commands.recovery import Recovery, bound_by_guards
from runtime.composition import lease_of
from runtime.roles.tracker import compose as composed
from tests.integration.chains.endpoint_server import Request, altering, serving
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.lies import Lies
from tests.integration.workers.test_execution import QUICK
from tests.integration.workers.test_foreign_transactions import compared, found_behind, recovered, successes
from tests.integration.workers.test_reclaim import SHORT, close_outside, guard_of, past_its_height, until
from tests.skipping import hurried
from workers.tracker.tracker import TRACKER

LEGS = ({}, {"amount_in": 400_000_000})


async def executed_and_reclaimed(engine: EngineHarness, client_order_id: str) -> tuple[UUID, str]:
    """The order, and the signature of its swap."""
    order_id = await engine.submit(client_order_id=client_order_id)
    return order_id, await reclaimed(engine, order_id)


async def reclaimed(engine: EngineHarness, order_id: UUID) -> str:
    """Execute an order and close its guard; the signature of its swap."""
    await engine.execute(order_id)
    engine.start_projector()
    engine.start_tracker(QUICK)
    order = await engine.until(order_id, lambda order: order.ended)
    assert order.fill
    await past_its_height(engine, order_id)
    engine.start_reclaimer(SHORT)
    await until(engine, lambda rows: bool(rows.get(order_id, {}).get("returned")))
    await engine.stop()
    return order.fill.tx_hash


@asynccontextmanager
async def purged(engine: EngineHarness, rpc_url: str, signature: str) -> AsyncIterator[None]:
    """``engine`` asks a node that doesn't know the transaction any more."""

    def history(_: Request, result: Any) -> Any:
        return [one for one in result if one["signature"] != signature]

    def transaction(request: Request, result: Any) -> Any:
        return None if request["params"][0] == signature else result

    def statuses(request: Request, result: Any) -> Any:
        found = zip(request["params"][0], result["value"], strict=True)
        return {**result, "value": [None if one == signature else status for one, status in found]}

    changes = {"getSignaturesForAddress": history, "getTransaction": transaction, "getSignatureStatuses": statuses}
    async with httpx2.AsyncClient(base_url=rpc_url) as node, serving(altering(node, changes)) as url:
        engine.settings = engine.settings.model_copy(update={"solana_rpc_url": url})
        yield


def start(engine: EngineHarness) -> None:
    engine.start_projector()
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker(QUICK)


@pytest.mark.parametrize("posted_before", [True, False], ids=["known to the log", "posted after"])
async def test_it_ends_and_nothing_is_signed_for_it(
    engine: EngineHarness, other: EngineHarness, rpc_url: str, posted_before: bool
) -> None:
    mine, swap = await executed_and_reclaimed(engine, "mine")
    if posted_before:
        await other.submit(client_order_id="mine")
    async with purged(other, rpc_url, swap):
        await found_behind(other)
        await recovered(other)
        assert await other.store.foreign_reclaims.closed(DEFAULT_ACCOUNT) == {guard_of(engine, mine)}
        await compared(other)
        assert (await other.order(mine)).ended if posted_before else True
        assert await other.submit(client_order_id="mine", executed=True) == mine
        start(other)
        order = await other.until(mine, lambda order: order.ended)
    assert order.failure and (order.failure.code, order.failure.retryable) == ("executed_elsewhere", False)
    assert order.attempts == ()
    assert (await successes(engine))[mine] == [swap]
    assert await other.accounts.contradictions(DEFAULT_ACCOUNT) == []


async def test_one_whose_own_transaction_did_it_is_confirmed_where_it_is_shown_and_else_ends_so(
    engine: EngineHarness, rpc_url: str
) -> None:
    """Signed before the log was put back; the reclaim alone is of the lost end."""
    shown, gone = await engine.submit(), await engine.submit()
    await engine.execute(shown, gone)
    # By its guard's absence alone it would be said to be cancelled.
    await engine.cancel(gone)
    swap = (await engine.order(gone)).attempts[0].signature
    await past_its_height(engine, shown, gone)
    assert not (await engine.order(shown)).ended and not (await engine.order(gone)).ended
    await close_outside(engine, guard_of(engine, shown))
    await close_outside(engine, guard_of(engine, gone))
    async with purged(engine, rpc_url, swap):
        await found_behind(engine)
        async with hurried(engine.rpc_url), outside_orders(engine.settings, engine.store) as outside:
            read = await outside.record()
            recovery = Recovery(engine.events, engine.orders, engine.accounts)
            orders = await recovery.open_orders()
            guarded = await outside.guarded(orders, read)
        assert read.closed == []
        assert {one.order_id for one in bound_by_guards(orders, guarded) if one.bound} == {shown, gone}
        await recovery.decide(DEFAULT_ACCOUNT, [shown, gone], [], by="me", because="so", guarded=guarded)
        await engine.accounts.resume(DEFAULT_ACCOUNT, "looked at")
        async with SolanaChain(engine.settings.solana_rpc_url) as engine.chain:
            start(engine)
            assert (await engine.until(shown, lambda order: order.ended)).status == "confirmed"
            order = await engine.until(gone, lambda order: order.ended, within=60)
            await engine.stop()
    assert order.failure and order.failure.code == "executed_elsewhere"
    assert len(order.attempts) == 1
    assert await engine.accounts.contradictions(DEFAULT_ACCOUNT) == []


@pytest.mark.parametrize("posted_before", [True, False], ids=["known to the log", "posted after"])
async def test_orders_that_share_the_guard_end_alike(
    engine: EngineHarness, other: EngineHarness, rpc_url: str, posted_before: bool
) -> None:
    """Which of them was filled nobody shows: neither is said to be cancelled because of the other one."""
    filled, lost = (await engine.submit_list("oco", *LEGS, name="both")).order_ids
    swap = await reclaimed(engine, filled)
    assert (await engine.order(lost)).status == "cancelled"
    if posted_before:
        await other.submit_list("oco", *LEGS, name="both")
    async with purged(other, rpc_url, swap):
        await found_behind(other)
        await recovered(other)
        await other.submit_list("oco", *LEGS, name="both", executed=True)
        await compared(other)
        start(other)
        ended = [await other.until(one, lambda order: order.ended) for one in (filled, lost)]
    assert [one.failure and one.failure.code for one in ended] == ["executed_elsewhere"] * 2
    assert [one.attempts for one in ended] == [(), ()]
    assert (await successes(engine))[filled] == [swap]


async def test_a_failure_of_its_own_proves_nothing_where_its_guard_was_closed_elsewhere(
    engine: EngineHarness, rpc_url: str
) -> None:
    """That the guard isn't there would end the order as one that may be tried again, and its client would."""
    deadline = now() + timedelta(seconds=5)
    mine = await engine.submit(deadline=deadline)
    await engine.execute(mine)
    await past_its_height(engine, mine)
    await close_outside(engine, guard_of(engine, mine))
    await found_behind(engine)
    await recovered(engine)
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, Lies(("an error",)).changes)) as url,
        SolanaChain(url) as engine.chain,
    ):
        await asyncio.sleep(max(0.0, (deadline - now()).total_seconds()))
        tracker = composed(engine._parts)
        tracker._tracked.update(await engine.history(mine))
        [attempt] = tracker._tracked.select(ended=False)
        async with lease_of(engine.store, TRACKER).hold() as lease:
            await tracker._landings.read(lease, [(attempt, "finalized")])
        order = await engine.order(mine)
        assert [one.end for one in order.attempts] == ["rejected"] and not order.ended
        start(engine)
        order = await engine.until(mine, lambda order: order.ended, within=60)
        await engine.stop()
    assert order.failure and (order.failure.code, order.failure.retryable) == ("executed_elsewhere", False)
    assert len(order.attempts) == 1
