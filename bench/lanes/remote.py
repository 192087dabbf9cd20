"""Two hundred orders at once at a remote venue that takes 400 ms to quote and 300 to build; beside them, pool orders.

The venue is `bench.remote_service`, asked by the product's own client: what is above the 700 ms is ours. Orders of
another pair, which the local pools quote, come all the while, and before it: none should be slower for the others.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from uuid import UUID

from bench.client.http import HttpConnection, post
from bench.closed_loop import all_ended, closed_loop, fullest
from bench.engine import Engine
from bench.followed import Followed, Follower
from bench.lanes.batch import BATCH, batch_of
from bench.lanes.in_flight import FAST
from bench.percentiles import percentile, rank_name
from bench.processes import between, sample
from bench.report import LaneResult
from bench.rig import CORES, Rig, database_conditions
from bench.schedule import open_loop
from bench.scratch import data_directory
from bench.slow_engine import remote_engine
from bench.subject import EXECUTE

QUOTE_MS, BUILD_MS = 400, 300
AT_ONCE, A_BATCH = 200, 100
ROUNDS, ROUND_S = 5, 3.0
BESIDE_RATE = 10


async def run(rig: Rig) -> LaneResult:
    result = LaneResult("remote", f"{AT_ONCE} orders at once, a venue of {QUOTE_MS} and {BUILD_MS} ms")
    await rig.clear()
    with data_directory() as directory:
        async with remote_engine(directory, QUOTE_MS, BUILD_MS) as engine:
            result.conditions = database_conditions(engine)
            result.conditions["orders"] = f"{ROUNDS} times {AT_ONCE} in batches of {A_BATCH}, {ROUND_S:g} s apart"
            result.conditions["beside"] = f"{BESIDE_RATE} a second of a pair of the pools'"
            fast = json.dumps(FAST).encode()
            await closed_loop(engine, rig.sizes.engine_warm, rig.sizes.connections, EXECUTE, fast)
            await _round(engine)  # connections, and the first it knows of the venue
            rig.say(f"remote: {ROUNDS} rounds of {AT_ONCE} orders")
            await _measure(engine, result, Follower(engine.port, fast))
    return result


async def _measure(engine: Engine, result: LaneResult, follower: Follower) -> None:
    count = int(ROUNDS * ROUND_S * BESIDE_RATE)
    alone_mark = engine.mark()
    alone = await open_loop(BESIDE_RATE, count, follower.follow)
    await all_ended(alone_mark, count)
    mark, first = engine.mark(), sample(engine.roots())
    beside, _ = await asyncio.gather(open_loop(BESIDE_RATE, count, follower.follow), _rounds(engine))
    ended = await all_ended(mark, count + ROUNDS * AT_ONCE)
    used = between(first, sample(engine.roots()))
    follower.close()
    sends, of_pools = mark.first_sends(), {UUID(one.order_id) for one in beside if one.order_id}
    waits = [1_000 * (sent - submitted) for one, (submitted, sent) in sends.items() if one not in of_pools]
    for rank in (50.0, 99.0):
        result.add(f"first send, {rank_name(rank)}", "ms", [percentile(waits, rank)])
    result.add("first send, the last", "ms", [max(waits)])
    before = _of_pools(alone, alone_mark.first_sends())
    during = _of_pools(beside, sends)
    for rank in (50.0, 99.0):
        result.add(f"pools alone, first send, {rank_name(rank)}", "ms", [percentile(before, rank)])
        result.add(f"pools beside, first send, {rank_name(rank)}", "ms", [percentile(during, rank)])
    confirmed = 100 * (ended.count - ended.failed) / (count + ROUNDS * AT_ONCE)
    result.add("orders confirmed", "% of orders", [confirmed])
    result.full.append(fullest(used, CORES))
    result.notes.append(f"{len(waits)} of {ROUNDS * AT_ONCE} orders were sent, {len(during)} of {count} beside")
    mark.close()
    alone_mark.close()


async def _rounds(engine: Engine) -> None:
    async with asyncio.TaskGroup() as tasks:
        for _ in range(ROUNDS):
            tasks.create_task(_round(engine))
            await asyncio.sleep(ROUND_S)


async def _round(engine: Engine) -> None:
    """So many orders, as soon as they are taken."""
    request = post(engine.port, BATCH, batch_of(engine.body, A_BATCH))
    connections = [await HttpConnection.to(engine.port) for _ in range(AT_ONCE // A_BATCH)]
    await asyncio.gather(*(connection.request(request) for connection in connections))
    for connection in connections:
        connection.close()


def _of_pools(orders: Sequence[Followed], sends: dict[UUID, tuple[float, float]]) -> list[float]:
    """From the record of each to that of its first send, in milliseconds."""
    found = (sends.get(UUID(order.order_id)) for order in orders if order.order_id)
    return [1_000 * (sent - submitted) for submitted, sent in filter(None, found)]
