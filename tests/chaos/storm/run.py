"""One storm: start, load and strikes at once, heal, let it settle, judge, show."""

from __future__ import annotations

import asyncio
import os
import platform
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from tests.chaos.storm import outside, plan, verdict
from tests.chaos.storm.clients import Clients
from tests.chaos.storm.figures import show, show_progress
from tests.chaos.storm.monkey import Monkey
from tests.chaos.storm.outside import Reader
from tests.chaos.storm.secrets import leaks
from tests.chaos.storm.world import World
from tests.chaos.verdict import landed

# A market order's deadline, its last attempt's validity and finality at 100 ms a slot, and what I1 grants beyond.
SETTLES_WITHIN_S = 120 + 15 + 4 + 30
STREAMS_WITHIN_S = 20


async def storm(console: Console, directory: Path, seed: int, orders: int, minutes: float, plant: str | None) -> bool:
    """Whether every promise was kept."""
    console.print(
        f"seed {seed}, {orders} orders, {minutes:g} min{f', plant {plant}' if plant else ''}; "
        f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores shared by everything"
    )
    strikes, asked = plan.strikes(seed, minutes), plan.orders(seed, orders, minutes)
    world = World(directory, plant)
    try:
        await world.start(seed)
        url = world.addresses["DATABASE_URL"]
        monkey, clients, reader = Monkey(world), Clients(world.engine.url), Reader(url)
        reading = asyncio.create_task(reader.run())
        checkpoint = asyncio.create_task(_checkpoint(world, minutes * 30))
        showing = asyncio.create_task(show_progress(console, minutes, monkey, clients))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(monkey.run(strikes))
            tasks.create_task(clients.run(asked))
        showing.cancel()
        await monkey.heal()
        console.print("the faults are over; waiting for what is on its way")
        world.still_market()
        await verdict.settled(lambda: outside.histories(url), SETTLES_WITHIN_S)
        await _streams_end(clients, url)
        await clients.leave()
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        histories = await asyncio.to_thread(outside.histories, url)
        chain = await landed(world.node)
        checks: dict[str, list[str]] = {
            "lost": verdict.lost(clients.placed, histories),
            "stuck (I1)": verdict.stuck(histories),
            "duplicate swaps (I2)": verdict.duplicates(chain),
            "wrong outcomes (I2)": await verdict.wrong_outcomes(histories, chain, world.node, monkey.done),
            "contradictions recorded": outside.topics(url, "account."),
            "sent before durable (I3)": verdict.sent_before_durable(histories, world.node.first_sends()),
            "verify: log, read models, chain (I4)": await _operated(
                world, "verify", "--json", "--checkpoint", str(await checkpoint)
            ),
            "rebuilt other than live (I4)": await _operated(world, "rebuild", "orders"),
            "streams (I5)": verdict.streams(clients.placed, histories),
            "ended by itself (I6)": world.surprises,
            "changed in the log (I7)": await asyncio.to_thread(verdict.changeable, world.connect),
            "missed by a reader (I8)": await asyncio.to_thread(reader.missed),
            "secrets told (I10)": leaks(world.data, world.wallet, _logs(directory), histories, clients.placed.values()),
        }
        return show(console, checks, histories, monkey, clients, seed)
    finally:
        await world.stop()


async def _streams_end(clients: Clients, url: str) -> None:
    """Give subscribers the time to read what was last recorded."""
    deadline = asyncio.get_running_loop().time() + STREAMS_WITHIN_S
    while asyncio.get_running_loop().time() < deadline:
        if not verdict.streams(clients.placed, await asyncio.to_thread(outside.histories, url)):
            return
        await asyncio.sleep(1)


async def _checkpoint(world: World, after: float) -> Path:
    """Taken in mid-storm, as soon as it can be: what is before it must not change any more."""
    await asyncio.sleep(after)
    file = world.engine.directory / "checkpoint.json"
    while not file.exists():
        await asyncio.to_thread(world.engine.run, "checkpoint", str(file))
        await asyncio.sleep(1)
    return file


async def _operated(world: World, *command: str) -> list[str]:
    """What an operator's command said, where it didn't end well."""
    answer = await asyncio.to_thread(world.engine.run, *command, within=600)
    return [] if answer.returncode == 0 else answer.stdout.splitlines()[-12:] + answer.stderr.splitlines()[-3:]


def _logs(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.log"))
