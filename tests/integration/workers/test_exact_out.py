"""Orders that name the amount they get, on real pools whose price is moved by real swaps, and across a restart."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain import events as e
from domain.order import Order
from domain.quotes import fee_on
from domain.tokens import SOL, USDC
from tests.golden.runs import execute, is_ended, price
from tests.integration.workers.harness import EngineHarness, now
from venues.protocol import QuoteRequest, VenueGroup, VenueQuote

SELL: dict[str, Any] = {"amount_in": 0, "amount_out": 75_000_000}
BUY: dict[str, Any] = {"token_in": USDC, "token_out": SOL, "amount_in": 0, "amount_out": 500_000_000}
ORDERS = 12


async def held(engine: EngineHarness) -> Counter[str]:
    return Counter(await engine.chain.token_balances(engine.wallet.address, [SOL.mint, USDC.mint]))


def moved(*orders: Order) -> dict[str, int]:
    """What the wallet has more of by these fills, by mint."""
    change: Counter[str] = Counter({SOL.mint: 0, USDC.mint: 0})
    for order in orders:
        if order.fill:
            change[order.token_in.mint] -= order.fill.amount_in
            change[order.token_out.mint] += order.fill.amount_out
    return dict(change)


def difference(after: Counter[str], before: Counter[str]) -> dict[str, int]:
    return {mint: after[mint] - before[mint] for mint in (SOL.mint, USDC.mint)}


def assert_kept(order: Order) -> None:
    """It got exactly what it named, for no more than each attempt was signed for, and none more than the first."""
    assert order.fill is not None
    assert order.maximum_in is not None
    assert order.fill.amount_out == order.amount_out
    assert 0 < order.fill.amount_in <= order.maximum_in
    swaps = [attempt for attempt in order.attempts if attempt.purpose == "swap"]
    assert swaps
    assert all(attempt.amount_in is not None and attempt.amount_in <= order.maximum_in for attempt in swaps)


def soon() -> datetime:
    """The deadline of an order that a price keeps from being filled."""
    return now() + timedelta(seconds=15)


@contextlib.asynccontextmanager
async def wandering(engine: EngineHarness) -> AsyncIterator[None]:
    """Within it the price goes up and down by swaps of somebody else."""

    async def wander() -> None:
        while True:
            for to in ("150.3", "149.7", "150.6", "149.4"):
                await price(engine, to)

    task = asyncio.create_task(wander())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_gets_exactly_what_it_names_and_pays_what_the_chain_shows(engine: EngineHarness):
    before = await held(engine)
    sell, buy = await engine.submit(**SELL), await engine.submit(**BUY)
    await engine.execute(sell, buy)
    execute(engine)
    orders = [await engine.until(order_id, is_ended) for order_id in (sell, buy)]
    for order in orders:
        assert_kept(order)
    assert difference(await held(engine), before) == moved(*orders)


async def test_each_keeps_its_maximum_while_the_price_moves_and_the_engine_is_started_anew(engine: EngineHarness):
    before = await held(engine)
    async with wandering(engine):
        execute(engine)
        sides = [SELL if number % 2 else BUY for number in range(ORDERS // 2)]
        ids = [await engine.submit(**side, slippage_bps=200) for side in sides]
        await engine.stop()
        ids += [await engine.submit(**side, slippage_bps=10, deadline=soon()) for side in sides]
        execute(engine)
        orders = [await engine.until(order_id, is_ended, within=120) for order_id in ids]
    await asyncio.gather(*(engine.until(one, lambda order: not order.live_attempts, within=60) for one in ids))
    confirmed = [order for order in orders if order.status == "confirmed"]
    for order in confirmed:
        assert_kept(order)
    assert {order.failure.code for order in orders if order.failure} <= {"slippage_exceeded"}
    assert len(confirmed) >= ORDERS // 2
    assert difference(await held(engine), before) == moved(*orders)


async def test_what_was_signed_before_a_restart_lands_once(engine: EngineHarness):
    before = await held(engine)
    order_id = await engine.submit(**SELL)
    await engine.build(order_id)
    [attempt] = (await engine.order(order_id)).attempts
    await engine.stop()
    execute(engine)
    order = await engine.until(order_id, is_ended)
    assert_kept(order)
    assert order.attempts[0].amount_in == attempt.amount_in
    assert difference(await held(engine), before) == moved(order)


async def test_the_venues_fee_is_of_what_was_paid_where_the_price_moved_after_the_quote(engine: EngineHarness):
    order_id = await engine.submit(**SELL, slippage_bps=300)
    await engine.build(order_id)
    await price(engine, "148")
    execute(engine)
    order = await engine.until(order_id, is_ended)
    assert_kept(order)
    quote = order.attempts[0].quote
    assert order.fill and quote
    assert order.fill.amount_in != quote.amount_in
    assert order.fill.venue_fee == fee_on(order.fill.amount_in, quote.fee_bps)


async def test_a_price_that_rises_past_the_maximum_ends_it_without_a_swap(engine: EngineHarness):
    before = await held(engine)
    order_id = await engine.submit(**BUY, slippage_bps=10, deadline=soon())
    await engine.route(order_id)
    await price(engine, "155")
    execute(engine)
    order = await engine.until(order_id, is_ended, within=120)
    assert order.failure is not None
    assert (order.failure.code, order.failure.retryable) == ("slippage_exceeded", True)
    assert await held(engine) == before


async def test_a_limit_order_pays_its_limit_at_most_and_rests_until_a_quote_at_its_size_meets_it(
    engine: EngineHarness,
):
    engine.start_watcher()
    execute(engine)
    big = {"type": "limit", "token_in": USDC, "token_out": SOL, "amount_in": 0, "amount_out": 5_000 * 10**9}
    order_id = await engine.submit(**big, limit_price=Decimal("150.5"))
    resting = await engine.until(order_id, lambda order: order.rest is not None)
    assert resting.maximum_in == 752_500 * 10**6
    small = await engine.submit(**{**big, "amount_out": 10**9}, limit_price=Decimal(148))
    await asyncio.sleep(0.5)
    assert (await engine.order(small)).status == "pending"
    await price(engine, "140")
    for one, most in ((order_id, 752_500 * 10**6), (small, 148 * 10**6)):
        order = await engine.until(one, is_ended, within=60)
        assert_kept(order)
        assert order.fill is not None
        assert order.fill.amount_in <= most
        assert order.limit_price is not None
        assert order.fill.executed_price <= order.limit_price


async def test_on_paper_it_is_filled_at_its_quote(engine: EngineHarness):
    before = await held(engine)
    order_id = await engine.submit(paper=True, **SELL)
    await engine.execute(order_id)
    order = await engine.order(order_id)
    assert order.paper_fill is not None
    assert order.route is not None
    assert order.paper_fill.amount_out == 75_000_000
    assert order.paper_fill.amount_in == order.route.chosen.amount_in
    assert await held(engine) == before


class InAlone(VenueGroup):
    """A venue over real pools that takes an exact amount in alone."""

    is_remote = False

    def __init__(self, engine: EngineHarness) -> None:
        self._book = engine.book
        self.asked = 0

    @property
    def venues(self) -> Mapping[str, frozenset[frozenset[str]]]:
        return self._book.venues

    async def quote_all(self, requests: Any) -> list[list[VenueQuote | Any]]:
        self.asked += 1
        return await self._book.quote_all(requests)


async def test_where_no_venue_can_it_fails_with_a_code_of_its_own(engine: EngineHarness):
    venue = InAlone(engine)
    await engine.book.quote_all([QuoteRequest(SOL.mint, USDC.mint, 10**9)])
    order_id = await engine.submit(**SELL)
    await engine.execute(order_id, executor=engine.executor(venues=[venue]))
    events = (await engine.history(order_id)).events
    failed = events[-1]
    assert isinstance(failed, e.OrderFailed)
    assert (failed.code, failed.retryable, venue.asked) == ("exact_out_unsupported", False, 0)
    assert {refusal.code for refusal in failed.refusals} == {"exact_out_unsupported"}
    other: UUID = await engine.submit(client_order_id="in")
    await engine.execute(other, executor=engine.executor(venues=[venue]))
    assert venue.asked == 1
