"""Orders that wait, on real pools: the price is moved by real swaps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from prometheus_client import REGISTRY

from chains.errors import ChainUnavailableError
from domain.events import ORDER_EVENTS, Observation, OrderTriggered
from domain.numbers import U64_MAX
from domain.order import Order
from domain.tokens import BONK, JUP, SOL, USDC, Pair, pair_of
from event_store.errors import LeaseLostError
from event_store.mapper import EventMapper
from event_store.types import RecordedEvent
from localnet.market.price import move
from tests.integration.workers.harness import EngineHarness
from venues.pools import PoolBook
from venues.prices import PairPrice, PoolPrices, Prices
from workers.metrics import PRICE_STALE
from workers.watcher.book import Book
from workers.watcher.book_feed import BookFeed
from workers.watcher.waiting_order import WaitingOrder
from workers.watcher.watcher import ORDERS_AT_ONCE, Pace

SELL = {"type": "limit", "amount_in": 10**9}
BUY = {**SELL, "token_in": USDC, "token_out": SOL, "amount_in": 150 * 10**6}


async def price(engine: EngineHarness, to: str) -> None:
    await move(engine.rpc_url, engine.market_key, "SOL/USDC", Decimal(to))


def execute(engine: EngineHarness) -> None:
    engine.start_projector()
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker()


def names(history) -> list[str]:
    return [type(event).__name__ for event in history.events]


def price_within_limit(order: Order) -> bool:
    assert order.fill
    assert order.limit_price
    filled = order.fill.executed_price
    return filled >= order.limit_price if order.side == "sell" else filled <= order.limit_price


async def test_a_sell_and_a_buy_limit_rest_through_a_restart_and_fill_at_their_limit_or_better(engine: EngineHarness):
    sell = await engine.submit(**SELL, limit_price=Decimal(152))
    buy = await engine.submit(**BUY, limit_price=Decimal(148))
    engine.start_watcher()
    execute(engine)
    await price(engine, "151")
    await engine.stop()
    assert [(await engine.order(each)).status for each in (sell, buy)] == ["pending", "pending"]
    engine.start_watcher()
    execute(engine)
    await price(engine, "153")
    sold = await engine.until(sell, lambda order: order.ended)
    assert (await engine.order(buy)).status == "pending"
    await price(engine, "147")
    bought = await engine.until(buy, lambda order: order.ended)
    assert price_within_limit(sold)
    assert price_within_limit(bought)


async def test_quotes_at_size_that_fall_short_rest_and_a_still_price_makes_no_loop(engine: EngineHarness):
    feed = engine.start_watcher()
    execute(engine)
    order_id = await engine.submit(type="limit", amount_in=5_000 * 10**9, limit_price=Decimal("149.69"))
    await engine.until(order_id, lambda order: order.rest is not None)
    head = await engine.events.head()
    await asyncio.sleep(2)  # a hundred observations of a still price
    assert await engine.events.head() == head
    assert order_id in feed.book
    await price(engine, "152")
    assert price_within_limit(await engine.until(order_id, lambda order: order.ended))


async def test_a_quote_at_size_arms_a_rested_order_before_its_touch_is_better(engine: EngineHarness):
    engine.start_watcher()
    order_id = await engine.submit(type="limit", amount_in=2_000 * 10**9, limit_price=Decimal("149.5"))
    await engine.until(order_id, lambda order: order.status == "routing")
    await engine.execute(order_id)
    rested = await engine.order(order_id)
    assert rested.rest is not None
    execute(engine)
    await price(engine, "150.3")
    assert price_within_limit(await engine.until(order_id, lambda order: order.ended))


async def test_a_stop_latches_before_a_restart_and_is_a_limit_after_it(engine: EngineHarness):
    order_id = await engine.submit(
        type="stop-limit", amount_in=10**9, stop_price=Decimal(145), limit_price=Decimal(149)
    )
    engine.start_watcher()
    await price(engine, "144")
    await engine.until(order_id, lambda order: order.stop_reached)
    await engine.stop()
    engine.start_watcher()
    execute(engine)
    await price(engine, "150")
    assert price_within_limit(await engine.until(order_id, lambda order: order.ended))
    assert names(await engine.history(order_id))[:3] == ["OrderSubmitted", "StopTriggered", "OrderTriggered"]


async def test_of_orders_met_by_one_observation_the_better_price_fires_first_then_the_older(engine: EngineHarness):
    limits = [Decimal(n) for n in (155, 152, 154, 152, 151, 153, 155, 151)]
    ids = [await engine.submit(type="limit", amount_in=10**6, limit_price=limit) for limit in limits]
    far = [await engine.submit(type="limit", amount_in=10**6, limit_price=Decimal(170)) for _ in range(5)]
    await price(engine, "158")
    engine.start_watcher()
    for order_id in ids:
        await engine.until(order_id, lambda order: order.status == "routing")
    recorded = await engine.events.read(0, 1_000)
    fired = [event.stream_id for event in recorded if event.topic == OrderTriggered.TOPIC]
    assert fired == [ids[n] for n in sorted(range(len(ids)), key=lambda n: (limits[n], n))]
    assert {(await engine.order(each)).status for each in far} == {"pending"}


async def test_more_orders_than_fit_one_batch_fire_in_the_order_of_fairness(engine: EngineHarness):
    limits = [Decimal(1_520 + n * 7 % 50) / 10 for n in range(2 * ORDERS_AT_ONCE + 50)]
    ids = [await engine.submit(type="limit", amount_in=10**6, limit_price=limit) for limit in limits]
    engine.start_watcher()
    await price(engine, "158")
    for order_id in ids:
        await engine.until(order_id, lambda order: order.status == "routing")
    fired: dict[int, list[UUID]] = {}
    for event in await engine.events.read(0, 10_000):
        if event.topic == OrderTriggered.TOPIC:
            fired.setdefault(seen_by(event).slot, []).append(event.stream_id)
    rank = {order_id: (limit, n) for n, (order_id, limit) in enumerate(zip(ids, limits, strict=True))}
    assert max(len(batch) for batch in fired.values()) > ORDERS_AT_ONCE
    assert all(batch == sorted(batch, key=rank.__getitem__) for batch in fired.values())


def seen_by(recorded: RecordedEvent) -> Observation:
    event = EventMapper(ORDER_EVENTS).load(recorded.topic, recorded.state)
    assert isinstance(event, OrderTriggered)
    assert event.observation
    return event.observation


class ChangeablePrices(PoolPrices):
    """The pools as they are, until ``change`` makes something else of what is seen."""

    def __init__(self, book: PoolBook) -> None:
        super().__init__(book)
        self.change: Callable[[Prices], Prices] = lambda seen: seen

    async def observe(self, pairs: Sequence[Pair]) -> Prices:
        return self.change(await super().observe(pairs))


async def fires(engine: EngineHarness, within: float = 0.5) -> bool:
    """Whether an order that is met by now does so within half a second, ten observations or more."""
    met = await engine.submit(**SELL, limit_price=Decimal(100))
    until = time.monotonic() + within
    while time.monotonic() < until:
        if (await engine.order(met)).status == "routing":
            return True
        await asyncio.sleep(0.02)
    return False


async def test_a_source_that_stands_still_fires_nothing_until_it_moves_on(engine: EngineHarness):
    source = ChangeablePrices(engine.book)
    engine.start_watcher(source, Pace(observe=0.02, stale=0.2))
    assert await fires(engine, within=20)
    stands_at = await engine.chain.block_height("confirmed")
    source.change = lambda seen: replace(seen, slot=stands_at)
    await engine.submit(**SELL, limit_price=Decimal(900))  # somebody waits, so it is looked at
    await asyncio.sleep(0.5)
    assert not await fires(engine)
    source.change = lambda seen: seen
    assert await fires(engine, within=20)


async def test_a_price_older_than_the_last_one_fires_nothing(engine: EngineHarness):
    source, earlier = ChangeablePrices(engine.book), await engine.chain.block_height("confirmed")
    engine.start_watcher(source)
    assert await fires(engine, within=20)
    source.change = lambda seen: replace(seen, slot=earlier)
    assert not await fires(engine)
    source.change = lambda seen: seen
    assert await fires(engine, within=20)


async def test_a_source_that_moves_on_far_behind_the_clock_fires_nothing(engine: EngineHarness):
    age = 7

    async def slot_age(_: int) -> int:
        return age

    engine.start_watcher(slot_age=slot_age)
    assert not await fires(engine)
    age = 0
    assert await fires(engine, within=20)  # the clock is asked once a second


async def test_a_wild_first_price_after_a_restart_latches_no_stop(engine: EngineHarness):
    stop = await engine.submit(type="stop-limit", amount_in=10**9, stop_price=Decimal(145), limit_price=Decimal(1))
    source, wild_at = ChangeablePrices(engine.book), []

    def wild(seen: Prices) -> Prices:
        wild_at.append(seen.slot)
        if seen.slot > wild_at[0]:
            return seen
        price = seen.pairs["SOL/USDC"]
        return replace(seen, pairs={"SOL/USDC": replace(price, sell=price.sell / 1000, buy=price.buy / 1000)})

    source.change = wild
    engine.start_watcher(source)
    assert await fires(engine, within=20)
    assert (await engine.order(stop)).status == "pending"


async def test_a_source_that_is_gone_fires_nothing_and_what_is_met_once_it_is_back(engine: EngineHarness):
    source = ChangeablePrices(engine.book)
    engine.start_watcher(source)
    assert await fires(engine, within=20)

    def gone(_: Prices) -> Prices:
        raise ChainUnavailableError("refused")

    source.change = gone
    met = await engine.submit(**SELL, limit_price=Decimal(100))
    assert not await fires(engine)
    source.change = lambda seen: seen
    await engine.until(met, lambda order: order.status == "routing")


async def test_a_watcher_whose_lease_another_has_taken_fires_nothing_and_ends(engine: EngineHarness):
    engine.start_watcher()
    watching = engine.running[-1]
    assert await fires(engine, within=20)
    async with engine.pool.connection() as connection:
        await connection.execute("update leases set epoch = epoch + 1, expires_at = now() + interval '1 hour'")
    assert not await fires(engine)
    async with asyncio.timeout(10):
        await asyncio.wait([watching])
    # Its append was refused, or its renewal before it had one.
    ended = watching.exception()
    assert isinstance(ended, LeaseLostError) or (isinstance(ended, ExceptionGroup) and ended.subgroup(LeaseLostError))


def met_at(feed: BookFeed, touch: str) -> list[WaitingOrder]:
    """Of the orders in the book, those that a price meets, as the book has them."""
    price = PairPrice(pair_of(SOL, USDC), Decimal(touch), Decimal(touch), ())
    return [order for order, _ in feed.book.triggered_by(price)]


async def test_the_book_restored_from_the_log_is_the_book_kept_by_its_tail(engine: EngineHarness):
    kept = engine.start_watcher()
    stop = await engine.submit(**{**SELL, "type": "stop-limit"}, stop_price=Decimal(145), limit_price=Decimal(190))
    unmet = await engine.submit(**{**SELL, "type": "stop-limit"}, stop_price=Decimal(90), limit_price=Decimal(80))
    waiting = [await engine.submit(**SELL, limit_price=Decimal(200 + n)) for n in range(20)]
    buys = [await engine.submit(**BUY, limit_price=Decimal(100 - n)) for n in range(5)]
    fired = [await engine.submit(), await engine.submit(**SELL, limit_price=Decimal(140))]
    await price(engine, "144")
    await engine.until(stop, lambda order: order.stop_reached)
    await engine.until(fired[1], lambda order: order.status == "routing")
    async with asyncio.timeout(5):
        # The reached stop is version 2: what the watcher appends is in the log before it is in the book.
        while len(kept.book) != 27 or kept.book.version_of(stop) < 2:
            await asyncio.sleep(0.02)
    await engine.stop()
    again = BookFeed(engine.pool, engine.events, engine.orders, Book())
    await again.restore()
    assert len(again.book) == 27
    assert [order.order_id for order in met_at(again, "300")] == [stop, *waiting]
    assert [order.order_id for order in met_at(again, "1")] == [unmet, *buys]
    for touch in ("300", "1"):
        assert met_at(again, touch) == met_at(kept, touch)


async def test_an_observation_says_where_it_is_from(engine: EngineHarness):
    engine.start_watcher()
    order_id = await engine.submit(**SELL, limit_price=Decimal(149))
    await engine.until(order_id, lambda order: order.status == "routing")
    triggered = (await engine.history(order_id)).events[-1]
    assert isinstance(triggered, OrderTriggered)
    seen = triggered.observation
    assert isinstance(seen, Observation)
    assert (seen.source, seen.pair, seen.touch) == ("pools", "SOL/USDC", Decimal("149.7"))
    assert 0 < seen.slot < U64_MAX


async def test_an_order_on_a_pair_nobody_trades_rests_and_makes_no_price_old(engine: EngineHarness) -> None:
    PRICE_STALE.set(0)
    nowhere = await engine.submit(type="limit", token_in=BONK, token_out=JUP, amount_in=10**9, limit_price=Decimal(1))
    feed = engine.start_watcher(pace=Pace(observe=0.02, stale=0.3))
    async with asyncio.timeout(10):
        while nowhere not in feed.book:
            await asyncio.sleep(0.02)
    await asyncio.sleep(1)  # longer than a price may be old
    assert REGISTRY.get_sample_value("surefill_price_stale") == 0
    fine = await engine.submit(type="limit", amount_in=10**9, limit_price=Decimal(100))
    await engine.until(fine, lambda order: order.status == "routing")
    assert (await engine.order(nowhere)).status == "pending"
