"""Orders that wait for a price."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from domain.commands import AmendOrder
from runtime.composition import utc_now
from tests.chaos.node import FaultyNode
from tests.golden.runs import (
    BUY,
    LIMIT,
    STOP,
    execute,
    history,
    is_ended,
    price,
)
from tests.integration.workers.harness import EngineHarness


@history
async def limit_rests_by_limit_not_met(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Its quotes at size fall short, it rests, and fires again at a better price."""
    engine.start_watcher()
    execute(engine)
    order_id = await engine.submit(**{**LIMIT, "amount_in": 5_000 * 10**9}, limit_price=Decimal("149.69"))
    await engine.until(order_id, lambda order: order.rest is not None)
    await price(engine, "153")
    await engine.until(order_id, is_ended)
    return [order_id]


@history
async def limit_rests_by_rejections(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Three builds fail since it was triggered: it rests until an instant, and is armed again then."""
    engine.start_watcher()
    order_id = await engine.submit(**LIMIT, slippage_bps=0, limit_price=Decimal(140))
    await engine.until(order_id, lambda order: order.status == "routing")
    for _ in range(3):
        await price(engine, "160")
        await engine.route(order_id)
        await price(engine, "150")
        await engine.execute(order_id)
    rested = await engine.order(order_id)
    assert rested.rest
    assert rested.rest.armed_at
    execute(engine)
    await engine.until(order_id, is_ended, within=60)
    return [order_id]


@history
async def limit_buy_confirmed(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """A limit order that buys once the price falls."""
    engine.start_watcher()
    execute(engine)
    order_id = await engine.submit(type="limit", **BUY, limit_price=Decimal(148))
    await price(engine, "147")
    await engine.until(order_id, is_ended)
    return [order_id]


@history
async def stop_limit_sell_latched(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Its stop is reached, the limit later: the stop stays reached in between."""
    engine.start_watcher()
    execute(engine)
    order_id = await engine.submit(**STOP, stop_price=Decimal(145), limit_price=Decimal(149))
    await price(engine, "144")
    await engine.until(order_id, lambda order: order.stop_reached)
    await price(engine, "151")
    await engine.until(order_id, is_ended)
    return [order_id]


@history
async def stop_limit_buy_at_once(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Stop and limit are met by one observation."""
    engine.start_watcher()
    execute(engine)
    order_id = await engine.submit(type="stop-limit", **BUY, stop_price=Decimal(152), limit_price=Decimal(156))
    await price(engine, "154")
    await engine.until(order_id, is_ended)
    return [order_id]


@history
async def open_orders(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Orders in the middle of their lives: one waits for its price, one is routed, one may still land."""
    waiting = await engine.submit(**LIMIT, limit_price=Decimal(1_000))
    routed, live = await engine.submit(), await engine.submit()
    await engine.route(routed)
    await engine.execute(live)
    return [waiting, routed, live]


@history
async def amended_then_confirmed(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Its amount falls, then its prices move, each in one event; it executes with its last terms."""
    engine.start_watcher()
    execute(engine)
    order_id = await engine.submit(**STOP, stop_price=Decimal(100), limit_price=Decimal(99))
    for command in (
        AmendOrder(utc_now(), amount_in=400_000_000),
        AmendOrder(utc_now(), stop_price=Decimal(145), limit_price=Decimal(140), slippage_bps=70),
    ):
        await engine.orders.execute(await engine.history(order_id), command)
    await price(engine, "144")
    await engine.until(order_id, is_ended)
    return [order_id]
