"""Orders on paper."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from tests.chaos.node import FaultyNode
from tests.golden.runs import LIMIT, execute, history, is_ended
from tests.integration.workers.harness import EngineHarness


@history
async def filled_on_paper(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """A market order on paper, filled at its quote, and a limit order on paper that waits."""
    execute(engine)
    order_id = await engine.submit(paper=True, client_order_id="golden-paper")
    waiting = await engine.submit(paper=True, limit_price="1000", **LIMIT)
    await engine.until(order_id, is_ended)
    return [order_id, waiting]
