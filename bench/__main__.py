"""`make bench`: orders from REST to confirmed, on the engine as it is installed, in a data directory of its own.

Says its conditions with its figures: clients, engine and chain share this machine.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys

import typer
from rich.console import Console

from bench.engine import client, data_directory, engine
from bench.latency import latency
from bench.throughput import throughput

console = Console()
app = typer.Typer(add_completion=False)


@app.command()
def main(
    orders: int = typer.Option(1_000, help="Orders of the throughput run."),
    connections: int = typer.Option(32, help="Connections they are posted over."),
    rate: int = typer.Option(20, help="Orders a second of the latency run."),
    seconds: int = typer.Option(15, help="How long the latency run takes."),
    url: str = typer.Option("", help="A running engine; without one, an engine is started and ended."),
) -> None:
    """Measure throughput, then latency as a WebSocket client sees it."""
    sys.exit(asyncio.run(_measure(orders, connections, rate, seconds, url)))


async def _measure(orders: int, connections: int, rate: int, seconds: int, url: str) -> int:
    machine = f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores"
    console.print(f"{machine}, shared by clients, engine and chain")
    if url:
        return await _runs(url, orders, connections, rate, seconds)
    with data_directory() as directory:
        async with engine(directory) as started:
            return await _runs(started, orders, connections, rate, seconds)


async def _runs(url: str, orders: int, connections: int, rate: int, seconds: int) -> int:
    async with client(url, connections) as http:
        whole = await throughput(http, console, orders, connections)
        return 0 if await latency(http, console, rate, seconds) and whole else 1


if __name__ == "__main__":
    app()
