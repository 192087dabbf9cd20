"""Real transactions on the local chain, many orders a request."""

from __future__ import annotations

import json

from bench.client.http import HttpConnection, post
from bench.engine import Engine
from bench.lanes.turns import take_turns
from bench.report import LaneResult
from bench.rig import Rig, database_conditions

BATCH = "/api/orders/batch"
NOT_THERE = "the API answers 404 to POST /api/orders/batch: not available in this build"


async def run(rig: Rig) -> LaneResult:
    engine, sizes = await rig.engine(), rig.sizes
    result = LaneResult("batch", f"real transactions, {sizes.batch} orders a request", database_conditions(engine))
    if not await serves_batches(engine):
        result.skipped = NOT_THERE
        return result
    result.conditions["orders"] = f"{sizes.orders} over {sizes.connections} connections, {sizes.runs} runs"
    await take_turns(rig, result, engine, BATCH, batch_of(engine.body, sizes.batch), sizes.batch)
    return result


def batch_of(body: bytes, count: int) -> bytes:
    """A request of ``count`` orders alike; without a client's id each is an order of its own."""
    return json.dumps({"orders": [json.loads(body)] * count}).encode()


async def serves_batches(engine: Engine) -> bool:
    """Whether this build has the endpoint; asked with a body that no build accepts."""
    connection = await HttpConnection.to(engine.port)
    answer = await connection.request(post(engine.port, BATCH, b"{}"))
    connection.close()
    return answer.status not in (404, 405)
