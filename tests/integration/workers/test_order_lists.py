"""Lists of orders on a real chain: of an OCO one order is filled at most, whatever happens at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from decimal import Decimal
from uuid import UUID

import pytest

from commands.ids import DEFAULT_ACCOUNT
from commands.order_lists import AcceptedList
from domain.codes import Code
from domain.commands import ObservePrice
from domain.events import Observation
from domain.order import Order
from domain.tokens import SOL, USDC
from localnet.market.price import move
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_execution import QUICK
from tests.skipping import pass_finalized

# `make oco` runs it more often.
TIMES = int(os.environ.get("OCO_TIMES", "10"))
FAR = {"type": "limit", "limit_price": Decimal(900)}


@pytest.fixture
async def running(engine: EngineHarness) -> AsyncIterator[EngineHarness]:
    started(engine)
    yield engine


def started(engine: EngineHarness) -> None:
    engine.start_projector()
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker(QUICK)


async def settled(engine: EngineHarness, accepted: AcceptedList) -> list[Order]:
    """The orders once all have ended, and nothing of them may land."""
    return [
        await engine.until(order_id, lambda one: one.ended and not one.live_attempts, within=60)
        for order_id in accepted.order_ids
    ]


async def moved(engine: EngineHarness) -> dict[str, int]:
    return await engine.chain.token_balances(engine.wallet.address, [SOL.mint, USDC.mint])


async def test_both_orders_of_an_oco_that_are_triggered_at_once_are_filled_once(running: EngineHarness) -> None:
    before = await moved(running)
    lists = [await running.submit_list("oco", {}, {}) for _ in range(TIMES)]
    received = 0
    for accepted in lists:
        orders = await settled(running, accepted)
        assert sorted(one.status for one in orders) == ["cancelled", "confirmed"]
        (filled,) = [one for one in orders if one.fill]
        (ended,) = [one for one in orders if not one.fill]
        assert filled.fill is not None and ended.cancellation is not None
        assert ended.cancellation.code == Code.OTHER_LEG_FILLED
        assert {one.guard for one in orders if one.guard} == {filled.guard}
        received += filled.fill.amount_out
    after = await moved(running)
    assert after[USDC.mint] - before[USDC.mint] == received


async def test_two_limit_orders_that_one_price_meets_are_filled_once(running: EngineHarness) -> None:
    running.start_watcher()
    met = [{"type": "limit", "limit_price": Decimal(price)} for price in (100, 110)]
    accepted = await running.submit_list("oco", *met)
    orders = await settled(running, accepted)
    assert sorted(one.status for one in orders) == ["cancelled", "confirmed"]


async def test_a_price_that_fills_one_ends_the_other_that_rests(running: EngineHarness) -> None:
    running.start_watcher()
    accepted = await running.submit_list("oco", {"type": "limit", "limit_price": Decimal(100)}, FAR)
    filled, ended = await settled(running, accepted)
    assert (filled.status, ended.status) == ("confirmed", "cancelled")
    assert ended.cancellation is not None and ended.cancellation.code == Code.OTHER_LEG_FILLED
    assert not ended.attempts, "nothing was ever signed for it"


async def test_a_worker_that_is_killed_after_it_has_signed_leaves_one_fill(engine: EngineHarness) -> None:
    """Both swaps are signed and recorded, and nobody has sent them; another process sends both."""
    accepted = await engine.submit_list("oco", {}, {})
    await engine.build(*accepted.order_ids)
    built = [await engine.order(order_id) for order_id in accepted.order_ids]
    assert [len(one.live_attempts) for one in built] == [1, 1] and len({one.guard for one in built}) == 1
    started(engine)
    orders = await settled(engine, accepted)
    assert sorted(one.status for one in orders) == ["cancelled", "confirmed"]


async def test_of_two_workers_one_is_stopped_in_mid_visit_and_each_list_has_one_fill(engine: EngineHarness) -> None:
    engine.start_projector()
    engine.start_sweeper()
    engine.start_tracker(QUICK)
    before, received = await moved(engine), 0
    for number in range(TIMES):
        accepted = await engine.submit_list("oco", {}, {})
        first, second = accepted.order_ids[:: 1 if number % 2 else -1]
        # One has signed and recorded the first one's swap, and is stopped before it sends it, while another takes both.
        await asyncio.gather(engine.build(first), engine.execute(second))
        await engine.execute(first, second)
        orders = await settled(engine, accepted)
        assert sorted(one.status for one in orders) == ["cancelled", "confirmed"]
        received += sum(one.fill.amount_out for one in orders if one.fill)
    after = await moved(engine)
    assert after[USDC.mint] - before[USDC.mint] == received


async def test_a_cancel_of_one_that_is_live_takes_the_guard_that_both_need(engine: EngineHarness) -> None:
    accepted = await engine.submit_list("oco", {}, {})
    first, second = accepted.order_ids
    await engine.build(first, second)
    asked = await engine.cancel(first)
    assert asked.order is not None and not asked.order.ended
    other = await engine.order(second)
    assert other.cancellation is not None and other.cancellation.code == Code.OTHER_LEG_ENDED
    before = await moved(engine)
    started(engine)
    orders = await settled(engine, accepted)
    assert [one.status for one in orders] == ["cancelled", "cancelled"]
    assert (await moved(engine))[USDC.mint] == before[USDC.mint]


async def test_a_swap_that_was_first_wins_over_the_cancel_of_the_other(engine: EngineHarness) -> None:
    """The cancel of one is asked for while the other's swap is in a block already."""
    accepted = await engine.submit_list("oco", FAR, {})
    waits, swaps = accepted.order_ids
    await engine.execute(swaps)
    await engine.cancel(waits)
    started(engine)
    orders = await settled(engine, accepted)
    assert [one.status for one in orders] == ["cancelled", "confirmed"]


async def test_a_guard_that_the_other_order_took_is_no_contradiction_to_one_that_had_lost_a_swap(
    engine: EngineHarness,
) -> None:
    """One had a swap that was proven never to land, and waited again; then the other was filled. Both share a guard,
    by which the first is followed on.
    """
    accepted = await engine.submit_list("oco", *({"type": "limit", "limit_price": Decimal(at)} for at in (100, 80)))
    first = accepted.order_ids[0]
    await trigger(engine, first)
    await engine.build(first)
    lands_until = (await engine.order(first)).attempts[0].lands_until
    await move(engine.rpc_url, engine.market_key, "SOL/USDC", Decimal(90))
    await pass_finalized(engine.rpc_url, lands_until)
    started(engine)
    rested = await engine.until(first, lambda one: one.rest is not None, within=60)
    assert [one.end for one in rested.attempts] == ["expired"]
    engine.start_watcher()
    orders = await settled(engine, accepted)
    assert [one.status for one in orders] == ["cancelled", "confirmed"]
    await asyncio.sleep(2 * QUICK.guards)
    assert not await engine.accounts.contradictions(DEFAULT_ACCOUNT)


async def trigger(engine: EngineHarness, order_id: UUID) -> None:
    """As the watcher does, by a price that meets it."""
    seen = Observation(source="test", pair="SOL/USDC", slot=1, touch=Decimal(150), observed_at=now())
    command = ObservePrice(seen, met_at_size=True, now=now())
    await engine.orders.execute(await engine.history(order_id), command)


async def test_the_second_order_of_an_oto_begins_after_a_restart_in_the_middle(engine: EngineHarness) -> None:
    """Whatever stops, and wherever: its release is in the append that confirms the first."""
    accepted = await engine.submit_list("oto", {}, {"token_in": USDC, "token_out": SOL, "amount_in": 50 * 10**6})
    first, second = accepted.order_ids
    await engine.build(first)
    assert (await engine.order(second)).is_held
    tracking = engine.start_tracker(QUICK)
    await engine.until(first, lambda one: one.status == "confirmed", within=30)
    tracking.cancel()
    await engine.stop()
    released = await engine.history(second)
    assert released.order is not None and released.order.status == "routing" and not released.order.is_held
    started(engine)
    orders = await settled(engine, accepted)
    assert [one.status for one in orders] == ["confirmed", "confirmed"]


async def test_of_an_otoco_the_first_is_filled_and_then_one_of_the_two_that_follow(running: EngineHarness) -> None:
    running.start_watcher()
    accepted = await running.submit_list("otoco", {}, {"type": "limit", "limit_price": Decimal(100)}, FAR)
    orders = await settled(running, accepted)
    assert [one.status for one in orders] == ["confirmed", "confirmed", "cancelled"]
    assert orders[0].guard != orders[1].guard


async def test_on_paper_one_is_filled_and_the_other_cancelled(running: EngineHarness) -> None:
    accepted = await running.submit_list("oco", {"paper": True}, {"paper": True})
    orders = await settled(running, accepted)
    assert sorted(one.status for one in orders) == ["cancelled", "confirmed"]


async def test_a_list_that_another_log_has_executed_excludes_here_too(
    engine: EngineHarness, other: EngineHarness
) -> None:
    """As after a restore from a backup: the same list, posted to two logs with one wallet and one guard key."""
    lists = [await one.submit_list("oco", {}, {}, name="restored") for one in (engine, other)]
    assert lists[0].order_ids == lists[1].order_ids
    first, second = lists[0].order_ids
    await engine.build(first)
    await other.build(second)
    guards = {(await engine.order(first)).guard, (await other.order(second)).guard}
    assert len(guards) == 1
    before = await moved(engine)
    await engine.execute(first)
    await other.execute(second)
    engine.start_tracker(QUICK)
    filled = await engine.until(first, lambda one: one.ended, within=30)
    assert filled.fill is not None
    await asyncio.sleep(1)
    assert (await moved(engine))[USDC.mint] - before[USDC.mint] == filled.fill.amount_out
