"""What everything `surefill up` starts takes while nothing happens: processor time and memory."""

from __future__ import annotations

import asyncio

from bench.closed_loop import fullest
from bench.processes import between, memory, sample
from bench.report import LaneResult
from bench.rig import CORES, Rig, database_conditions


async def run(rig: Rig) -> LaneResult:
    sizes = rig.sizes
    result = LaneResult("idle", "everything `surefill up` starts, without an order")
    async with rig.own_engine() as engine:
        result.conditions = database_conditions(engine)
        result.conditions["measured"] = f"for {sizes.idle_seconds} s, after {sizes.idle_settle} s to settle"
        rig.say(f"idle: {sizes.idle_settle} s to settle, {sizes.idle_seconds} s measured")
        await asyncio.sleep(sizes.idle_settle)
        first = sample(engine.roots())
        await asyncio.sleep(sizes.idle_seconds)
        used = between(first, sample(engine.roots()), client="")
        held = memory(engine.roots())
    result.add("processor time", "% of a core", [100 * used.total / used.wall], "Idle")
    result.add("memory", "MB PSS", [sum(held.values())], "Idle")
    result.full.append(fullest(used, CORES))
    result.notes += [
        "% of a core: " + ", ".join(f"{name} {used.percent(name):.2f}" for name, _ in used.by_size()),
        "MB PSS: " + ", ".join(f"{name} {mb:.0f}" for name, mb in sorted(held.items(), key=lambda item: -item[1])),
    ]
    return result
