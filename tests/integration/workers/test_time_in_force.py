"""How long orders stand, on real pools whose price is moved by real swaps, and across a restart."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from chains.errors import ChainUnavailableError
from domain.commands import AmendOrder
from domain.order import Order
from domain.tokens import Pair
from runtime.composition import utc_now
from tests.golden.runs import LIMIT, STOP, execute, is_ended, price
from tests.integration.workers.harness import EngineHarness
from venues.prices import Prices


def good_for(seconds: float) -> dict[str, Any]:
    return {"time_in_force": "gtd", "expires_at": utc_now() + timedelta(seconds=seconds)}


async def names(engine: EngineHarness, order_id: UUID) -> list[str]:
    return [type(event).__name__ for event in (await engine.history(order_id)).events]


def cancelled_by(order: Order) -> tuple[str, str | None]:
    return order.status, order.cancellation and order.cancellation.code


@pytest.mark.parametrize("in_force", ["ioc", "fok"])
async def test_an_immediate_limit_order_fills_now_or_is_cancelled(engine: EngineHarness, in_force: str):
    execute(engine)
    near = await engine.submit(**LIMIT, limit_price=Decimal(149), time_in_force=in_force)
    far = await engine.submit(**LIMIT, limit_price=Decimal(152), time_in_force=in_force)
    large = await engine.submit(
        **{**LIMIT, "amount_in": 5_000 * 10**9}, limit_price=Decimal("149.69"), time_in_force=in_force
    )
    filled = await engine.until(near, is_ended)
    assert filled.fill is not None
    assert filled.fill.executed_price >= 149
    for order_id in (far, large):
        assert cancelled_by(await engine.until(order_id, is_ended)) == ("cancelled", "not_filled_at_once")
        assert await names(engine, order_id) == [
            "OrderSubmitted", "OrderTriggered", "CancelRequested", "OrderCancelled"
        ]  # fmt: skip
    await price(engine, "160")
    await asyncio.sleep(0.5)
    assert (await engine.order(far)).status == "cancelled"


async def test_an_immediate_stop_limit_is_cancelled_where_the_price_has_jumped_past_its_limit(engine: EngineHarness):
    engine.start_watcher()
    execute(engine)
    terms = {**STOP, "stop_price": Decimal(145), "limit_price": Decimal(144), "time_in_force": "fok"}
    order_id = await engine.submit(**terms)
    await price(engine, "140")
    assert cancelled_by(await engine.until(order_id, is_ended)) == ("cancelled", "not_filled_at_once")
    assert (await engine.order(order_id)).stop_reached


async def test_a_resting_order_is_cancelled_at_its_end_and_not_triggered_after_it(engine: EngineHarness):
    feed = engine.start_watcher()
    execute(engine)
    order_id = await engine.submit(**LIMIT, limit_price=Decimal(155), **good_for(1.5))
    kept = await engine.submit(**LIMIT, limit_price=Decimal(155), **good_for(600))
    await asyncio.sleep(1.0)
    assert (await engine.order(order_id)).status == "pending"
    assert cancelled_by(await engine.until(order_id, is_ended)) == ("cancelled", "expired")
    async with asyncio.timeout(5):  # what is recorded leaves the book a moment later
        while order_id in feed.book:
            await asyncio.sleep(0.02)
    await price(engine, "157")
    assert (await engine.until(kept, is_ended, within=40)).fill is not None
    assert await names(engine, order_id) == ["OrderSubmitted", "CancelRequested", "OrderCancelled"]


async def test_orders_expire_that_came_to_their_end_while_nothing_ran(engine: EngineHarness):
    orders = [await engine.submit(**LIMIT, limit_price=Decimal(152), **good_for(1.0)) for _ in range(20)]
    later = await engine.submit(**LIMIT, limit_price=Decimal(152), **good_for(4.0))
    engine.start_watcher()
    await asyncio.sleep(0.3)
    await engine.stop()
    await asyncio.sleep(1.0)
    await price(engine, "160")  # what they waited for, and past their end
    execute(engine)
    engine.start_watcher()
    for order_id in orders:
        ended = await engine.until(order_id, is_ended)
        assert cancelled_by(ended) == ("cancelled", "expired")
        assert not ended.attempts
    assert (await engine.until(later, is_ended)).fill is not None


async def test_an_order_expires_while_no_price_can_be_had(engine: EngineHarness):
    class Unreachable:
        name = "none"

        async def observe(self, pairs: list[Pair]) -> Prices:
            raise ChainUnavailableError("no price")

    engine.start_watcher(Unreachable())  # type: ignore[arg-type]
    order_id = await engine.submit(**LIMIT, limit_price=Decimal(155), **good_for(0.5))
    assert cancelled_by(await engine.until(order_id, is_ended)) == ("cancelled", "expired")


async def test_a_live_order_is_cancelled_at_its_end_by_the_chain(engine: EngineHarness):
    engine.start_watcher()
    order_id = await engine.submit(**LIMIT, limit_price=Decimal(149), **good_for(4.0))
    await engine.until(order_id, lambda order: order.status == "routing")
    await engine.build(order_id)  # signed and recorded, and sent by nobody until its time is over
    order = await engine.order(order_id)
    assert order.expires_at is not None
    await asyncio.sleep(max(0.0, (order.expires_at - utc_now()).total_seconds()))
    began = time.monotonic()
    execute(engine)
    ended = await engine.until(order_id, is_ended)
    assert cancelled_by(ended) == ("cancelled", "expired")
    assert ended.cancellation is not None
    assert ended.cancellation.tx_hash == ended.attempts[-1].signature
    assert [attempt.purpose for attempt in ended.attempts] == ["swap", "cancel"]
    assert time.monotonic() - began < 30


async def test_an_amended_end_holds_in_place_of_the_first(engine: EngineHarness):
    feed = engine.start_watcher()
    later = await engine.submit(**LIMIT, limit_price=Decimal(155), **good_for(1.5))
    sooner = await engine.submit(**LIMIT, limit_price=Decimal(155), **good_for(600))
    for order_id, seconds in ((later, 600), (sooner, 1.0)):
        history = (await engine.orders.load([order_id])).orders[order_id]
        await engine.orders.execute(history, AmendOrder(utc_now(), expires_at=utc_now() + timedelta(seconds=seconds)))
    assert cancelled_by(await engine.until(sooner, is_ended, within=40)) == ("cancelled", "expired")
    await asyncio.sleep(1.0)
    assert (await engine.order(later)).status == "pending"
    assert later in feed.book
