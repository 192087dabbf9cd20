"""Ten thousand orders on their way at once, at a venue that takes two seconds; beside them, orders at one that is fast.

The orders come in batches, as fast as they are taken. The venue is `bench.slow_core`'s: it quotes SOL/USDC late and
every other pair at once, and the orders beside, of another pair, show whether anybody waits for a neighbour.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from uuid import UUID

from bench.client.http import HttpConnection, get, post
from bench.closed_loop import AFTERWARDS_S, all_ended, closed_loop, fullest, post_each
from bench.engine import Engine
from bench.followed import Followed, Follower
from bench.lanes.batch import BATCH, batch_of
from bench.percentiles import percentile, rank_name
from bench.processes import between, memory, sample
from bench.report import LaneResult
from bench.rig import CORES, Rig, database_conditions
from bench.schedule import open_loop
from bench.scratch import data_directory
from bench.slow_core import MOST_WAITING
from bench.slow_engine import slow_engine
from bench.subject import EXECUTE

VENUE_S, FAST_RATE, FAST_SECONDS = 2.0, 10, 5
_MEMORY_EVERY_S = 0.5
FAST = {"tokenIn": "USDC", "tokenOut": "JUP", "amountIn": "1", "type": "market", "slippageBps": 500}


async def run(rig: Rig) -> LaneResult:
    orders, batch = rig.sizes.in_flight, rig.sizes.batch
    result = LaneResult("in_flight", f"{orders:,} orders, a venue of {VENUE_S:g} s")
    await rig.clear()
    with data_directory() as directory:
        async with slow_engine(directory, VENUE_S) as engine:
            result.conditions = database_conditions(engine)
            result.conditions["orders"] = f"{orders} in batches of {batch} over {rig.sizes.connections} connections"
            result.conditions["beside"] = f"{FAST_RATE} a second of a pair that is quoted at once, {FAST_SECONDS} s"
            fast = json.dumps(FAST).encode()
            await closed_loop(engine, rig.sizes.engine_warm, rig.sizes.connections, EXECUTE, fast)
            rig.say(f"in_flight: {orders} orders")
            await _measure(engine, result, rig, Follower(engine.port, fast))
    return result


async def _measure(engine: Engine, result: LaneResult, rig: Rig, follower: Follower) -> None:
    orders, count = rig.sizes.in_flight, FAST_RATE * FAST_SECONDS
    mark, first, begun = engine.mark(), sample(engine.roots()), time.time()
    held: dict[str, float] = {}
    watching = asyncio.create_task(_watch_memory(engine, held))
    _, beside = await asyncio.gather(_post(engine, rig), open_loop(FAST_RATE, count, follower.follow))
    ended = await all_ended(mark, orders + count)
    used = between(first, sample(engine.roots()))
    await asyncio.sleep(AFTERWARDS_S)
    spent = between(first, sample(engine.roots()))
    follower.close()
    watching.cancel()
    confirmed = ended.count - ended.failed
    result.add("all ended after", "s", [ended.last_at - begun])
    result.add("orders confirmed", "% of orders", [100 * confirmed / (orders + count)])
    result.add("on their way at once, at most", "orders", [mark.most_at_work()])
    result.add("waited for the venue at once, at most", "orders", [await _most_waiting(engine)])
    cost = 1_000 * (spent.total - spent.seconds["client"]) / (orders + count)
    result.add("processor time", "ms an order", [cost])
    result.add("memory at its peak", "MB PSS", [sum(held.values())])
    _add_beside(result, beside, mark.first_sends())
    mark.close()
    result.full.append(fullest(used, CORES))
    result.notes.append("MB PSS at the peak: " + ", ".join(f"{name} {mb:.0f}" for name, mb in held.items()))


async def _post(engine: Engine, rig: Rig) -> None:
    request = post(engine.port, BATCH, batch_of(engine.body, rig.sizes.batch))
    connections = [await HttpConnection.to(engine.port) for _ in range(rig.sizes.connections)]
    left = iter(range(-(-rig.sizes.in_flight // rig.sizes.batch)))
    await asyncio.gather(*(post_each(connection, request, left) for connection in connections))
    for connection in connections:
        connection.close()


async def _watch_memory(engine: Engine, most: dict[str, float]) -> None:
    """Keep in ``most`` what each process held when all together held the most."""
    while True:
        held = await asyncio.to_thread(memory, engine.roots())
        if sum(held.values()) > sum(most.values()):
            most.clear()
            most.update(held)
        await asyncio.sleep(_MEMORY_EVERY_S)


async def _most_waiting(engine: Engine) -> float:
    connection = await HttpConnection.to(engine.port)
    answer = await connection.request(get(engine.port, "/metrics"))
    connection.close()
    lines = answer.body.decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{MOST_WAITING} "))


def _add_beside(result: LaneResult, beside: Sequence[Followed], sends: dict[UUID, tuple[float, float]]) -> None:
    """How long the orders of the fast pair took, of which none should wait for the slow one."""
    ids = [UUID(order.order_id) for order in beside if order.order_id]
    sent = [1_000 * (sends[one][1] - sends[one][0]) for one in ids if one in sends]
    confirmed = [1_000 * (order.ended - order.intended) for order in beside if order.confirmed]
    for kind, times in (("first send", sent), ("confirmed", confirmed)):
        for rank in (50.0, 99.0) if times else ():
            result.add(f"fast venue beside, {kind}, {rank_name(rank)}", "ms", [percentile(times, rank)])
    result.notes.append(f"beside: {len(sent)} sent and {len(confirmed)} confirmed on their sockets of {len(beside)}")
