"""Market orders whose first quote was none to rely on."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from tests.chaos.node import FaultyNode
from tests.golden.runs import QUICK, history, is_ended
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_jupiter import overstated, through_jupiter
from tests.integration.workers.test_raydium import through_raydium
from tests.integration.workers.test_raydium_exact_out import SELL, cheaper


@history
async def misquoted_then_confirmed(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """A venue's swaps give less than its quotes, twice: the bounds count from the first quote of others, of an order
    that names what it gives and of one that names what it gets.
    """
    engine.start_tracker(QUICK)
    async with through_jupiter(engine, beside_pools=True) as jupiter:
        jupiter.stub.edit = overstated
        given = await jupiter.executed()
        for _ in range(2):
            await engine.execute(given, executor=jupiter.executor)
    async with through_raydium(engine, beside_pools=True) as raydium:
        raydium.stub.edit_quote = cheaper(970)
        got = await raydium.executed(**SELL)
        for _ in range(2):
            await engine.execute(got, executor=raydium.executor)
    for order_id in (given, got):
        await engine.until(order_id, is_ended)
    return [given, got]
