"""Lists of orders: of an OCO one is filled, and an OTO's second begins with the fill of the first."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from tests.chaos.node import FaultyNode
from tests.golden.runs import LIMIT, execute, history, is_ended
from tests.integration.workers.harness import EngineHarness


@history
async def oco_filled_once(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Both orders of an OCO are executed at once: the chain fills one, and the other ends by its guard."""
    execute(engine)
    accepted = await engine.submit_list("oco", {}, {})
    for order_id in accepted.order_ids:
        await engine.until(order_id, lambda order: is_ended(order) and not order.live_attempts)
    return accepted.order_ids


@history
async def otoco_cancelled_after_its_first(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """The fill of an OTOCO's first order releases the two that follow; a cancel of one of them ends both."""
    execute(engine)
    accepted = await engine.submit_list(
        "otoco", {}, {**LIMIT, "limit_price": Decimal(900)}, {"type": "stop", "stop_price": Decimal(9)}
    )
    _, second, third = accepted.order_ids
    await engine.until(second, lambda order: order.released)
    await engine.cancel(second)
    await engine.until(third, is_ended)
    return accepted.order_ids
