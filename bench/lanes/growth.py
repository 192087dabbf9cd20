"""What an order costs in a log that is empty, long, very long: on one database that grows between the measurements."""

from __future__ import annotations

import time

from bench.closed_loop import closed_loop, fullest
from bench.long_log import execute_one, grow
from bench.report import Figure, LaneResult
from bench.rig import CORES, Rig, database_conditions
from bench.scratch import data_directory
from bench.subject import EXECUTE


async def run(rig: Rig) -> LaneResult:
    sizes = rig.sizes
    result = LaneResult("growth", "what an order costs as the log grows")
    await rig.clear()
    costs: list[Figure] = []
    with data_directory() as directory:
        async with rig.own_engine(directory) as engine:
            result.conditions = database_conditions(engine)
            await execute_one(engine)
        result.conditions["orders"] = f"{sizes.orders} over {sizes.connections} connections, {sizes.runs} runs"
        for events in sizes.growth:
            begun = time.monotonic()
            if events:
                reached = await grow(directory, events)
                rig.say(f"growth: {reached:,} events, made in {time.monotonic() - begun:.0f} s")
            begun = time.monotonic()
            async with rig.own_engine(directory) as engine:
                ready = time.monotonic() - begun
                await closed_loop(engine, sizes.engine_warm, sizes.connections, EXECUTE, engine.body)
                runs = [
                    await closed_loop(engine, sizes.orders, sizes.connections, EXECUTE, engine.body)
                    for _ in range(sizes.runs)
                ]
            at = f"at {events:,} events"
            spent = [run.milliseconds_an_order() for run in runs]
            costs.append(result.add(f"{at}, processor time", "ms an order", spent, "Cost as the log grows"))
            result.add(f"{at}, end to end", "orders/s", [run.rate for run in runs])
            result.add(f"{at}, ready after", "s", [ready])
            result.full.append(f"{at}: {fullest(runs[-1].usage, CORES)}")
            rig.say(f"growth, {at}: {costs[-1].median:.2f} ms an order")
    if len(costs) > 1:
        change = 100 * (costs[-1].median / costs[0].median - 1)
        result.add(f"processor time, {sizes.growth[-1]:,} events against {sizes.growth[0]:,}", "% more", [change])
    return result
