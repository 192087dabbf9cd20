"""TWAPs on real parts: every slice once, in order, never in a burst."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from commands.ids import DEFAULT_ACCOUNT
from domain import events as e
from domain.terms import OrderTerms
from domain.tokens import SOL, USDC
from domain.twap import Twap
from domain.twap_events import TwapSubmitted
from tests.golden.runs import execute, is_ended, price
from tests.integration.workers.harness import EngineHarness, now

EVERY_MS = 300
TERMS: dict[str, Any] = {
    "type": "market", "token_in": SOL, "token_out": USDC, "amount_in": 10**9 + 7,
    "slippage_bps": 200, "slippage_defaulted": False,
}  # fmt: skip
RESTS: dict[str, Any] = {"type": "limit", "limit_price": Decimal(1_000)}


async def submit(engine: EngineHarness, slices: int = 5, every_ms: int = EVERY_MS, **changes: Any) -> Twap:
    paper, name = changes.pop("paper", False), changes.pop("client_list_id", "t")
    asked = TwapSubmitted(
        client_list_id=name, order=OrderTerms(**{**TERMS, **changes}), slices=slices, every_ms=every_ms,
        network="localnet", paper=paper,
    )  # fmt: skip
    return (await engine.store.twaps.submit(DEFAULT_ACCOUNT, asked, now())).twap


async def until(holds: Callable[[], Any], within: float = 60) -> None:
    async with asyncio.timeout(within):
        while not await holds():
            await asyncio.sleep(0.02)


async def begun(engine: EngineHarness, twap: Twap) -> list[tuple[int, datetime, int]]:
    """Of each slice that was submitted: its number, when, and at which position, by position."""
    streams = await engine.events.load_many(dict.fromkeys(twap.order_ids, 0))
    found = [
        (number, streams[twap.order_id(number)][0])
        for number in range(1, twap.slices + 1)
        if streams[twap.order_id(number)]
    ]
    return sorted([(number, one.recorded_at, one.position) for number, one in found], key=lambda one: one[2])


def assert_no_burst(story: list[tuple[int, datetime, int]]) -> None:
    """No two slices are closer than half an interval, but for what an append takes."""
    pauses = [later - sooner for (_, sooner, _), (_, later, _) in pairwise(story)]
    assert min(pauses) >= timedelta(milliseconds=EVERY_MS / 2 - 20), pauses


async def count(engine: EngineHarness, twap: Twap) -> int:
    return len(await begun(engine, twap))


async def test_every_slice_is_filled_once_in_order_and_they_come_to_the_whole(engine: EngineHarness) -> None:
    execute(engine)
    engine.start_watcher()
    twap = await submit(engine)
    orders = [await engine.until(order_id, is_ended, within=60) for order_id in await _all_begun(engine, twap)]
    assert [order.status for order in orders] == ["confirmed"] * 5
    assert sum(order.fill.amount_in for order in orders if order.fill) == 10**9 + 7
    assert [order.amount_in for order in orders] == [200_000_001] * 3 + [200_000_002] * 2
    assert {order.parent_id for order in orders} == {twap.list_id}
    story = await begun(engine, twap)
    assert [number for number, _, _ in story] == [1, 2, 3, 4, 5]
    assert_no_burst(story)
    assert await engine.store.twaps.schedule.of_account(DEFAULT_ACCOUNT) == []


async def _all_begun(engine: EngineHarness, twap: Twap, *, number: int | None = None) -> list[UUID]:
    wanted = number or twap.slices

    async def are() -> bool:
        return await count(engine, twap) >= wanted

    await until(are)
    return twap.order_ids[:wanted]


async def test_a_slice_waits_for_the_one_before_it_and_no_burst_follows(engine: EngineHarness) -> None:
    """Nobody executes: the first is on its way for as long as it takes."""
    engine.start_watcher()
    twap = await submit(engine)
    await _all_begun(engine, twap, number=1)
    await asyncio.sleep(3 * EVERY_MS / 1000)
    assert await count(engine, twap) == 1
    execute(engine)
    await _all_begun(engine, twap)
    story = await begun(engine, twap)
    assert_no_burst(story)


async def test_a_watcher_that_was_away_goes_on_where_the_last_one_stopped(engine: EngineHarness) -> None:
    twap = await submit(engine, 6, **RESTS)
    for wanted in (2, 4, 6):
        engine.start_watcher()
        await _all_begun(engine, twap, number=wanted)
        await engine.stop()
        await asyncio.sleep(2 * EVERY_MS / 1000)
    story = await begun(engine, twap)
    assert [number for number, _, _ in story] == [1, 2, 3, 4, 5, 6]
    assert_no_burst(story)


async def test_a_slice_that_was_recorded_before_the_schedule_said_so_is_not_submitted_again(
    engine: EngineHarness,
) -> None:
    """As after a crash between the two: the row still names a slice that is there."""
    twap = await submit(engine, 3, **RESTS)
    engine.start_watcher()
    await _all_begun(engine, twap, number=2)
    await engine.stop()
    before = {one: await engine.events.load(one) for one in twap.order_ids[:2]}
    async with engine.pool.connection() as connection:
        await connection.execute("update twap_schedule set next_slice = 1, look_at = now(), due_at = now()")
    engine.start_watcher()
    await _all_begun(engine, twap)
    for order_id, recorded in before.items():
        again = await engine.events.load(order_id)
        assert again == recorded, "one OrderSubmitted, and nothing after it"


async def test_an_immediate_limit_out_of_reach_ends_each_slice_and_one_in_reach_fills_it(engine: EngineHarness) -> None:
    execute(engine)
    engine.start_watcher()
    twap = await submit(engine, 3, type="limit", limit_price=Decimal(149), time_in_force="ioc")
    first = await engine.until((await _all_begun(engine, twap, number=1))[0], is_ended, within=60)
    await price(engine, "140")
    orders = [await engine.until(order_id, is_ended, within=60) for order_id in await _all_begun(engine, twap)]
    assert first.status == "confirmed"
    assert orders[-1].status == "cancelled" and orders[-1].cancellation
    assert orders[-1].cancellation.code == "not_filled_at_once"


async def test_a_list_on_paper_fills_at_quotes_and_sends_nothing(engine: EngineHarness) -> None:
    execute(engine)
    engine.start_watcher()
    twap = await submit(engine, 2, paper=True)
    for order_id in await _all_begun(engine, twap):
        order = await engine.until(order_id, is_ended, within=60)
        assert order.paper and order.status == "confirmed" and not order.attempts
        assert [type(event) for event in (await engine.history(order_id)).events][-1] is e.PaperFilled
