"""Orders that wait, on real pools: the price is moved by real swaps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from domain.events import Observation, OrderTriggered
from domain.numbers import U64_MAX
from domain.order import Order
from domain.tokens import SOL, USDC, Pair
from runtime.localnet.price import move
from tests.integration.workers.conftest import Desks
from venues.prices import PoolPrices, Prices
from workers.watcher.watcher import Pace

SELL = {"type": "limit", "amount_in": 10**9}
BUY = {**SELL, "token_in": USDC, "token_out": SOL, "amount_in": 150 * 10**6}


async def price(desks: Desks, to: str) -> None:
    await move(desks.rpc_url, desks.market_key, "SOL/USDC", Decimal(to))


def execute(desks: Desks) -> None:
    desks.start_relay()
    desks.start_sweeper()
    desks.start_worker()
    desks.start_tracker()


def names(history) -> list[str]:
    return [type(event).__name__ for event in history.events]


def price_within_limit(order: Order) -> bool:
    assert order.fill
    assert order.limit_price
    filled = order.fill.executed_price
    return filled >= order.limit_price if order.side == "sell" else filled <= order.limit_price


async def test_a_sell_and_a_buy_limit_rest_through_a_restart_and_fill_at_their_limit_or_better(desks: Desks):
    sell = await desks.submit(**SELL, limit_price=Decimal(152))
    buy = await desks.submit(**BUY, limit_price=Decimal(148))
    desks.start_watcher()
    execute(desks)
    await price(desks, "151")
    await desks.stop()
    assert [(await desks.order(one)).status for one in (sell, buy)] == ["pending", "pending"]
    desks.start_watcher()
    execute(desks)
    await price(desks, "153")
    sold = await desks.until(sell, lambda order: order.ended)
    assert (await desks.order(buy)).status == "pending"
    await price(desks, "147")
    bought = await desks.until(buy, lambda order: order.ended)
    assert price_within_limit(sold)
    assert price_within_limit(bought)


async def test_quotes_at_size_that_fall_short_rest_and_a_still_price_makes_no_loop(desks: Desks):
    watching = desks.start_watcher()
    execute(desks)
    order_id = await desks.submit(type="limit", amount_in=5_000 * 10**9, limit_price=Decimal("149.69"))
    await desks.until(order_id, lambda order: order.rest is not None)
    head = await desks.events.head()
    await asyncio.sleep(2)  # a hundred observations of a still price
    assert await desks.events.head() == head
    assert order_id in watching.book
    await price(desks, "152")
    assert price_within_limit(await desks.until(order_id, lambda order: order.ended))


async def test_a_quote_at_size_arms_a_rested_order_before_its_touch_is_better(desks: Desks):
    desks.start_watcher()
    order_id = await desks.submit(type="limit", amount_in=2_000 * 10**9, limit_price=Decimal("149.5"))
    await desks.until(order_id, lambda order: order.status == "routing")
    await desks.stages()["route"].run([order_id])
    rested = await desks.order(order_id)
    assert rested.rest is not None
    execute(desks)
    await price(desks, "150.3")
    assert price_within_limit(await desks.until(order_id, lambda order: order.ended))


async def test_a_stop_latches_before_a_restart_and_is_a_limit_after_it(desks: Desks):
    order_id = await desks.submit(type="stop-limit", amount_in=10**9, stop_price=Decimal(145), limit_price=Decimal(149))
    desks.start_watcher()
    await price(desks, "144")
    await desks.until(order_id, lambda order: order.stop_reached)
    await desks.stop()
    desks.start_watcher()
    execute(desks)
    await price(desks, "150")
    assert price_within_limit(await desks.until(order_id, lambda order: order.ended))
    assert names(await desks.history(order_id))[:3] == ["OrderSubmitted", "StopTriggered", "OrderTriggered"]


async def test_of_orders_met_by_one_observation_the_better_price_fires_first_then_the_older(desks: Desks):
    limits = [Decimal(n) for n in (155, 152, 154, 152, 151, 153, 155, 151)]
    ids = [await desks.submit(type="limit", amount_in=10**6, limit_price=limit) for limit in limits]
    far = [await desks.submit(type="limit", amount_in=10**6, limit_price=Decimal(170)) for _ in range(5)]
    await price(desks, "158")
    desks.start_watcher()
    for order_id in ids:
        await desks.until(order_id, lambda order: order.status == "routing")
    recorded = await desks.events.read(0, 1_000)
    fired = [event.stream_id for event in recorded if event.topic == OrderTriggered.TOPIC]
    assert fired == [ids[n] for n in sorted(range(len(ids)), key=lambda n: (limits[n], n))]
    assert {(await desks.order(one)).status for one in far} == {"pending"}


class Frozen(PoolPrices):
    """The pools as they are, at a slot that never moves."""

    async def observe(self, pairs: Sequence[Pair]) -> Prices:
        seen = await super().observe(pairs)
        return Prices(seen.source, 7, seen.pairs)


async def test_a_source_that_stands_still_fires_nothing(desks: Desks):
    desks.start_watcher(Frozen(desks.book), Pace(observe=0.02, stale=0.2))
    await desks.submit(**SELL, limit_price=Decimal(900))
    await asyncio.sleep(0.5)  # past its age
    met = await desks.submit(**SELL, limit_price=Decimal(100))
    await asyncio.sleep(0.5)
    assert (await desks.order(met)).status == "pending"


async def test_a_watcher_that_slept_past_its_lease_fires_nothing(desks: Desks):
    desks.start_watcher()
    await desks.submit(**SELL, limit_price=Decimal(900))
    async with desks.pool.connection() as connection:
        await connection.execute("update leases set epoch = epoch + 1, expires_at = now() + interval '1 hour'")
    met = await desks.submit(**SELL, limit_price=Decimal(100))
    await asyncio.sleep(0.5)
    assert (await desks.order(met)).status == "pending"


async def test_the_book_restored_from_the_log_is_the_book_kept_by_its_tail(desks: Desks):
    kept = desks.start_watcher()
    waiting = {await desks.submit(**SELL, limit_price=Decimal(200 + n)) for n in range(20)}
    await desks.submit()
    async with asyncio.timeout(5):
        while len(kept.book) < 20:
            await asyncio.sleep(0.02)
    await desks.stop()
    again = desks.start_watcher()
    async with asyncio.timeout(5):
        while len(again.book) < 20:
            await asyncio.sleep(0.02)
    assert all(order_id in again.book for order_id in waiting)


async def test_an_observation_says_where_it_is_from(desks: Desks):
    desks.start_watcher()
    order_id = await desks.submit(**SELL, limit_price=Decimal(149))
    await desks.until(order_id, lambda order: order.status == "routing")
    triggered = (await desks.history(order_id)).events[-1]
    assert isinstance(triggered, OrderTriggered)
    seen = triggered.observation
    assert isinstance(seen, Observation)
    assert (seen.source, seen.pair, seen.touch) == ("pools", "SOL/USDC", Decimal("149.7"))
    assert 0 < seen.slot < U64_MAX
