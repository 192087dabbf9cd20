"""Real transactions on the local chain, an order a request, over a few connections that are never idle."""

from __future__ import annotations

from bench.lanes.turns import take_turns
from bench.report import LaneResult
from bench.rig import Rig, database_conditions
from bench.subject import EXECUTE


async def run(rig: Rig) -> LaneResult:
    engine, sizes = await rig.engine(), rig.sizes
    result = LaneResult("localnet", "real transactions, an order a request", database_conditions(engine))
    result.conditions["orders"] = f"{sizes.orders} over {sizes.connections} connections, {sizes.runs} runs"
    await take_turns(rig, result, engine, EXECUTE, engine.body)
    return result
