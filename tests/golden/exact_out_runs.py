"""Orders that name the amount they get."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from domain.commands import AmendOrder
from domain.tokens import SOL, USDC
from runtime.composition import utc_now
from tests.chaos.node import FaultyNode
from tests.golden.runs import execute, history, is_ended, price
from tests.integration.workers.harness import EngineHarness


@history
async def exact_out_confirmed(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """A market order sells for exactly 75 USDC; a limit order buys exactly 0.4 SOL once it was amended."""
    engine.start_watcher()
    execute(engine)
    sell = await engine.submit(amount_in=0, amount_out=75 * 10**6)
    buys = {"type": "limit", "token_in": USDC, "token_out": SOL, "amount_in": 0, "amount_out": 5 * 10**8}
    buy = await engine.submit(**buys, limit_price=Decimal(148))
    await engine.orders.execute(await engine.history(buy), AmendOrder(utc_now(), amount_out=4 * 10**8))
    await price(engine, "147")
    for order_id in (sell, buy):
        await engine.until(order_id, is_ended)
    return [sell, buy]
