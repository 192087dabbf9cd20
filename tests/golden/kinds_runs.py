"""Orders by how long they stand, and by what sets them off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from runtime.composition import utc_now
from tests.chaos.node import FaultyNode
from tests.golden.runs import BUY, LIMIT, execute, history, is_ended, price
from tests.integration.workers.harness import EngineHarness


@history
async def immediate_limit_not_filled(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """An immediate-or-cancel limit order whose quotes fall short of its limit is cancelled by its one try."""
    execute(engine)
    order_id = await engine.submit(**LIMIT, limit_price=Decimal(152), time_in_force="ioc")
    await engine.until(order_id, is_ended)
    return [order_id]


@history
async def good_till_date_expired(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """A limit order whose price doesn't come until its end is cancelled then."""
    engine.start_watcher()
    end = utc_now() + timedelta(seconds=1)
    order_id = await engine.submit(**LIMIT, limit_price=Decimal(155), time_in_force="gtd", expires_at=end)
    await engine.until(order_id, is_ended)
    return [order_id]


@history
async def stop_buy_confirmed(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """A stop order without a limit buys once the price has risen to its stop."""
    engine.start_watcher()
    execute(engine)
    order_id = await engine.submit(type="stop", **BUY, stop_price=Decimal(152))
    await price(engine, "154")
    await engine.until(order_id, is_ended)
    return [order_id]


@history
async def trailing_sell_confirmed(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """A trailing stop follows the price up and sells once it is back by the trail."""
    engine.start_watcher()
    execute(engine)
    order_id = await engine.submit(type="trailing-stop", amount_in=10**9, trail_bps=300)
    await engine.until(order_id, lambda order: order.best_touch is not None)
    await price(engine, "160")
    await engine.until(order_id, lambda order: order.best_touch is not None and order.best_touch > 159)
    await price(engine, "150")
    await engine.until(order_id, is_ended)
    return [order_id]
