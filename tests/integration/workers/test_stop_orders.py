"""Stops, on real pools whose price is moved by real swaps, and across a restart."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.golden.runs import BUY, execute, is_ended, price
from tests.integration.workers.harness import EngineHarness

STOP: dict[str, Any] = {"type": "stop", "amount_in": 10**9}


async def names(engine: EngineHarness, order_id: Any) -> list[str]:
    return [type(event).__name__ for event in (await engine.history(order_id)).events]


async def test_a_stop_order_rests_through_a_restart_and_fills_at_the_market_once_reached(engine: EngineHarness):
    sell = await engine.submit(**STOP, stop_price=Decimal(145))
    buy = await engine.submit(type="stop", **BUY, stop_price=Decimal(155))
    engine.start_watcher()
    execute(engine)
    await price(engine, "147")
    await engine.stop()
    assert [(await engine.order(each)).status for each in (sell, buy)] == ["pending", "pending"]
    engine.start_watcher()
    execute(engine)
    await price(engine, "140")
    sold = await engine.until(sell, is_ended)
    assert sold.fill is not None
    assert 138 < sold.fill.executed_price < 140
    assert (await engine.order(buy)).status == "pending"
    await price(engine, "156")
    assert (await engine.until(buy, is_ended)).fill is not None
    assert await names(engine, sell) == [
        "OrderSubmitted", "StopTriggered", "OrderTriggered", "OrderRouted",
        "TransactionBuilt", "TransactionSubmitted", "OrderConfirmed",
    ]  # fmt: skip


async def test_an_immediate_stop_order_has_its_one_try_once_its_stop_is_reached(engine: EngineHarness):
    engine.start_watcher()
    execute(engine)
    order_id = await engine.submit(**{**STOP, "stop_price": Decimal(145)}, time_in_force="ioc")
    await price(engine, "144")
    assert (await engine.until(order_id, is_ended)).fill is not None
