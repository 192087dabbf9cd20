"""`surefill rebuild orders` over a long log, beside orders that flow and lists that are read.

`python -m bench.rebuild --events 1000000`. The log is made by SQL, with the read model as the
projector would have left it; then the engine runs on it. The log lane of `make bench` rebuilds beside an idle engine.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import time

import httpx2
import typer
from rich.console import Console

from bench.engine import ORDER, SUREFILL, Engine, engine, environment
from bench.long_log import execute_one, grow
from bench.percentiles import percentile
from bench.scratch import data_directory

console = Console()
app = typer.Typer(add_completion=False)


@app.command()
def main(
    events: int = typer.Option(1_000_000, help="Events of confirmed orders in the log."),
    rate: int = typer.Option(10, help="Orders a second meanwhile."),
) -> None:
    """Make a long log, rebuild beside a running engine."""
    sys.exit(asyncio.run(_measure(events, rate)))


async def _measure(events: int, rate: int) -> int:
    console.print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores for all of it")
    with data_directory() as directory:
        async with engine(directory) as running:
            await execute_one(running)
        begun = time.perf_counter()
        made = await grow(directory, events)
        console.print(f"{made} events made in {time.perf_counter() - begun:.0f} s")
        async with engine(directory) as running:
            return 0 if await _rebuild(running, rate) else 1


async def _rebuild(running: Engine, rate: int) -> bool:
    """Whether it agreed and nobody was refused meanwhile."""
    answers: dict[str, list[float]] = {"lists": [], "orders": []}
    refused: list[str] = []
    async with httpx2.AsyncClient(base_url=running.url, timeout=30, trust_env=False) as client:

        async def ask(kind: str, method: str, path: str, **body: object) -> None:
            begun = time.perf_counter()
            try:
                answer = await client.request(method, path, **body)  # type: ignore[arg-type]
                answer.raise_for_status()
            except httpx2.HTTPError as error:
                refused.append(f"{kind}: {error!r}")
            answers[kind].append((time.perf_counter() - begun) * 1_000)

        async def read() -> None:
            while True:
                await ask("lists", "GET", "/api/orders")

        async def trade() -> None:
            async with asyncio.TaskGroup() as posting:
                while True:
                    posting.create_task(ask("orders", "POST", "/api/orders/execute", json=ORDER))
                    await asyncio.sleep(1 / rate)

        beside = [asyncio.create_task(read()), asyncio.create_task(trade())]
        rebuilding = await asyncio.create_subprocess_exec(
            SUREFILL, "rebuild", "orders", "--json", env=environment(running.directory), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await rebuilding.communicate()
        for task in beside:
            task.cancel()
        ended = await asyncio.gather(*beside, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in ended), ended
    lines = said.decode().splitlines()
    done = json.loads(lines[-1])["rebuilt"] if lines else {}
    console.print(f"rebuild ended with {rebuilding.returncode}", *lines, sep="\n", highlight=False, soft_wrap=True)
    if done:
        console.print(f"{int(done['position']) / done['seconds']:.0f} events/s, compared and swapped")
    for kind, times in answers.items():
        console.print(
            f"meanwhile {len(times)} {kind}: p50 {percentile(times, 50):.0f} ms, p99 {percentile(times, 99):.0f} ms, "
            f"longest {max(times):.0f} ms"
        )
    console.print(f"refused: {len(refused)}", *refused[:10])
    return rebuilding.returncode == 0 and not refused


if __name__ == "__main__":
    app()
