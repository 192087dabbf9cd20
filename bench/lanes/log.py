"""The log alone: appends by batch and writers, beside the `eventsourcing` library's and a bare insert; the rebuild."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial

from bench.appends import through_a_bare_insert, through_the_appender, through_the_library
from bench.closed_loop import fullest
from bench.conditions import database
from bench.engine import SUREFILL, Engine, environment
from bench.long_log import execute_one, grow
from bench.processes import between, sample
from bench.product import connection_string, migrated, postgres_alone
from bench.report import LaneResult
from bench.rig import CORES, Rig
from bench.scratch import data_directory

BATCHES, WRITERS, CALLERS = (1, 10, 100), (1, 8, 64), 64
CHART = "Appends"


async def run(rig: Rig) -> LaneResult:
    result = LaneResult("log", "appends and the rebuild of a read model")
    await rig.clear()
    await _appends(rig, result)
    await _rebuild(rig, result)
    return result


async def _appends(rig: Rig, result: LaneResult) -> None:
    runs, seconds, rates = rig.sizes.runs, rig.sizes.log_seconds, dict[str, float]()
    with data_directory() as directory:
        async with postgres_alone(directory / "data") as (server, pid):
            url = await migrated(server)
            owner = connection_string(server.owner_url)
            result.conditions = database(owner)
            result.conditions["each"] = f"{seconds:g} s, events of 0.8 KB, median of {runs} runs"

            async def measure(name: str, way: Callable[[], Awaitable[float]], chart: str = "") -> None:
                found: list[float] = []
                for _ in range(runs):
                    first = sample([pid])
                    found.append(await way())
                    used = between(first, sample([pid]))
                rates[name] = result.add(name, "events/s", found, chart).median
                result.full.append(f"{name}: {fullest(used, CORES)}")
                rig.say(f"log, {name}: {rates[name]:.0f} events/s")

            for batch in BATCHES:
                for writers in WRITERS:
                    name = f"{batch} a request, {writers} writers"
                    charted = CHART if (batch, writers) in ((1, 64), (100, 1)) else ""
                    await measure(name, partial(through_the_appender, url, writers, batch, seconds), charted)
            for batch in BATCHES:
                await measure(
                    f"bare insert, {batch} a commit",
                    partial(asyncio.to_thread, through_a_bare_insert, owner, batch, seconds),
                    CHART if batch == 100 else "",
                )
            await measure(
                f"eventsourcing library, 1 a call, {CALLERS} callers",
                partial(asyncio.to_thread, through_the_library, server.owner_url, CALLERS, seconds),
                CHART,
            )
    library = rates[f"eventsourcing library, 1 a call, {CALLERS} callers"]
    result.add("1 a request, 64 writers, to the library", "times", [rates["1 a request, 64 writers"] / library])
    bare = rates["bare insert, 100 a commit"]
    result.add("100 a request, 1 writer, to a bare insert", "times", [rates["100 a request, 1 writers"] / bare])


async def _rebuild(rig: Rig, result: LaneResult) -> None:
    """`surefill rebuild orders`, which compares as well, beside an engine that has nothing to do."""
    with data_directory() as directory:
        async with rig.own_engine(directory) as engine:
            await execute_one(engine)
        events = await grow(directory, rig.sizes.rebuild_events)
        async with rig.own_engine(directory) as engine:
            await asyncio.sleep(3.0)
            first = sample(engine.roots())
            done = await _rebuilt(engine)
            used = between(first, sample(engine.roots()), client="")
    result.add("rebuild, beside an idle engine", "events/s", [int(done["position"]) / done["seconds"]])
    result.full.append(f"rebuild of {events:,} events: {fullest(used, CORES)}; the rebuild is not among them")


async def _rebuilt(engine: Engine) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        SUREFILL, "rebuild", "orders", "--json", env=environment(engine.directory),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    lines = said.decode().splitlines()
    if process.returncode:
        raise RuntimeError(f"the rebuild ended with {process.returncode}: {' '.join(lines[-3:])}")
    found: dict[str, float] = json.loads(lines[-1])["rebuilt"]
    return found
