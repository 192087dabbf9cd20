"""Trailing stops, on real pools whose price is moved by real swaps: by a test, or by the market that walks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from chains.solana_client import SolanaChain
from commands.halting import Scope
from domain import events as e
from domain.tokens import SOL, USDC, Pair, pair_of
from domain.trading_state import TradingState
from localnet.keys import read_keypair
from localnet.market.follow import follow
from localnet.market.walk import outside_prices
from tests.golden.runs import BUY, execute, is_ended, price
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_twap_killed import watcher
from venues.pools import PoolBook
from venues.prices import PoolPrices, Prices

PAIR = pair_of(SOL, USDC)
# Seconds for which the market walks, and after how many more trailing stops begin.
MARKET_S, EACH_S = int(os.environ.get("MARKET_S", "20")), 60
TRAIL: dict[str, Any] = {"type": "trailing-stop", "amount_in": 10**9}


class Recorded:
    """The pools' prices, and all that were ever observed."""

    def __init__(self, pools: PoolBook) -> None:
        self._prices = PoolPrices(pools)
        self.name = self._prices.name
        self.seen: list[tuple[int, Decimal]] = []

    async def observe(self, pairs: Sequence[Pair]) -> Prices:
        prices = await self._prices.observe(pairs)
        self.seen.append((prices.slot, prices.pairs[PAIR.symbol].sell))
        return prices


async def story(engine: EngineHarness, order_id: UUID) -> tuple[list[e.TrailMoved], e.OrderTriggered | None]:
    mapper = engine.store.mapper
    events = [mapper.read(recorded, e.is_order_event) for recorded in await engine.orders.recorded(order_id)]
    moves = [event for event in events if isinstance(event, e.TrailMoved)]
    return moves, next((event for event in events if isinstance(event, e.OrderTriggered)), None)


def recomputed(
    seen: list[tuple[int, Decimal]], start: e.Observation, trail_bps: int
) -> tuple[Decimal, Decimal, int] | None:
    """The best touch, the one that is back by the trail, and its slot: from the observation ``start`` on."""
    best: Decimal | None = None
    for slot, touch in seen:
        if best is None and (slot, touch) != (start.slot, start.touch):
            continue
        best = touch if best is None else max(best, touch)
        if touch * 10_000 <= best * (10_000 - trail_bps):
            return best, touch, slot
    return None


async def test_two_trailing_stops_on_a_price_that_jumps_and_returns_both_sell(engine: EngineHarness):
    engine.start_watcher()
    execute(engine)
    near = await engine.submit(**TRAIL, trail_bps=200)
    await engine.until(near, lambda order: order.best_touch is not None)
    far = await engine.submit(**TRAIL, trail_bps=800)
    buy = await engine.submit(type="trailing-stop", **BUY, trail_bps=800)
    await engine.until(far, lambda order: order.best_touch is not None)
    await engine.until(buy, lambda order: order.best_touch is not None)
    await price(engine, "165")
    assert (await engine.until(buy, is_ended)).fill is not None
    await price(engine, "150")
    for order_id in (near, far):
        order = await engine.until(order_id, is_ended)
        assert order.fill is not None
        assert order.best_touch is not None
        assert 164 < order.best_touch < 165
        moves, triggered = await story(engine, order_id)
        assert triggered is not None
        assert len(moves) <= 6


async def test_a_trailing_stop_keeps_its_best_price_through_a_restart(engine: EngineHarness):
    order_id = await engine.submit(**TRAIL, trail_bps=500)
    engine.start_watcher()
    execute(engine)
    await engine.until(order_id, lambda order: order.best_touch is not None)
    await price(engine, "160")
    await engine.until(order_id, lambda order: order.best_touch is not None and order.best_touch > 159)
    await engine.stop()
    await price(engine, "153")  # back by less than the trail
    feed = engine.start_watcher()
    execute(engine)
    await asyncio.sleep(1)
    assert order_id in feed.book
    await price(engine, "151.5")  # back from 160 by more than the trail, from 153 by less
    order = await engine.until(order_id, is_ended)
    assert order.fill is not None
    assert order.best_touch is not None
    assert order.best_touch > 159


async def test_a_watcher_that_stops_records_the_best_price_that_it_has_seen(engine: EngineHarness):
    order_id = await engine.submit(**TRAIL, trail_bps=500)
    feed = engine.start_watcher()
    await engine.until(order_id, lambda order: order.best_touch is not None)
    await price(engine, "160")
    await engine.until(order_id, lambda order: order.best_touch is not None and order.best_touch > 159)
    for to in (161, 162, 163):  # sooner after each other than they are recorded
        await price(engine, str(to))
        await asyncio.sleep(0.1)

    async def is_seen() -> bool:
        unrecorded, recorded = feed.book.trails.unrecorded(), (await engine.order(order_id)).best_touch
        return max(recorded or 0, unrecorded[order_id].touch if order_id in unrecorded else 0) > 162

    async with asyncio.timeout(10):
        while not await is_seen():
            await asyncio.sleep(0.02)
    best = feed.book.trails.unrecorded()
    await engine.stop()
    kept = (await engine.order(order_id)).best_touch
    assert kept is not None
    assert kept > 162
    assert not best or best[order_id].touch <= kept


@pytest.mark.parametrize(
    ("state", "terms", "best", "between", "back"),
    [("halted", TRAIL, "160", "153", "151.5"), ("reducing", {**BUY, "type": "trailing-stop"}, "140", "146", "148.5")],
)
async def test_a_best_price_of_a_time_without_trading_survives_a_watcher_that_is_killed(
    engine: EngineHarness,
    tmp_path: Path,
    state: TradingState,
    terms: dict[str, Any],
    best: str,
    between: str,
    back: str,
) -> None:
    order_id = await engine.submit(**terms, trail_bps=500)
    process = watcher(engine, tmp_path / "watcher.log")
    try:
        await engine.until(order_id, lambda order: order.best_touch is not None, within=60)
        await engine.store.halting.set(Scope(), state, by="test", because="the test")
        await price(engine, best)
        await engine.until(
            order_id, lambda order: order.best_touch is not None and abs(order.best_touch - Decimal(best)) < 1
        )
        await price(engine, back)  # by the trail: nothing is triggered meanwhile, nor spent
        await asyncio.sleep(1)
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
    assert {type(event) for event in (await engine.history(order_id)).events} == {e.OrderSubmitted, e.TrailMoved}
    await price(engine, between)
    await engine.store.halting.set(Scope(), "active", by="test", because="the test")
    feed = engine.start_watcher()
    execute(engine)
    async with asyncio.timeout(60):
        while order_id not in feed.book:
            await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    assert (await engine.order(order_id)).status == "pending"
    await price(engine, back)
    assert (await engine.until(order_id, is_ended)).fill is not None


async def test_under_a_market_that_walks_it_triggers_where_the_recorded_prices_say(engine: EngineHarness):
    source = Recorded(engine.book)
    engine.start_watcher(source)
    execute(engine)
    orders: list[tuple[int, UUID, float]] = []
    clock = asyncio.get_running_loop().time

    async def begin_some() -> None:
        for bps in (60, 150, 400):
            order_id = await engine.submit(**TRAIL, trail_bps=bps)
            await engine.until(order_id, lambda order: order.best_touch is not None)
            orders.append((bps, order_id, clock()))

    async def begin_more() -> None:
        while True:
            await asyncio.sleep(EACH_S)
            await begin_some()

    await begin_some()
    beginning = asyncio.create_task(begin_more())
    async with SolanaChain(engine.rpc_url) as chain:
        steps = islice(outside_prices(3, 40, [PAIR]), 10 * MARKET_S)
        await follow(chain, read_keypair(engine.market_key), steps, interval=0.1, say=print)
    beginning.cancel()
    await asyncio.gather(beginning, return_exceptions=True)
    await asyncio.sleep(1)
    triggers = 0
    for trail_bps, order_id, began in orders:
        moves, triggered = await story(engine, order_id)
        # The first one is at once, and one more may come with the trigger.
        assert len(moves) < max(clock() - began, 1) + 1
        expected = recomputed(source.seen, moves[0].observation, trail_bps)
        if triggered is None:
            assert expected is None
            continue
        triggers += 1
        assert triggered.observation is not None
        assert expected == (moves[-1].observation.touch, triggered.observation.touch, triggered.observation.slot)
        assert (await engine.until(order_id, is_ended)).fill is not None
    assert triggers >= 2
    assert len({touch for _, touch in source.seen}) > 50
