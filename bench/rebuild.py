"""`surefill rebuild orders` over a long log, beside orders that flow and lists that are read.

`python -m bench.rebuild --events 1000000`. The histories are recorded through the appender and projected with nothing
else at work, which is the projector's own figure; then the engine runs on them.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import psycopg
import typer
from rich.console import Console

from bench.engine import engine
from bench.histories import MAPPER, append_histories
from bench.throughput import BODY, percentile
from event_store.append.appender import Appender
from event_store.dsn import parse
from event_store.pool import connection_pool
from event_store.processors.leases import Lease
from event_store.read.log import Log
from projections.orders import PROCESSOR
from projections.orders.queries import OrderList
from projections.projector import OrdersProjector
from runtime.embedded import postgres
from runtime.supervision import child

console = Console()
app = typer.Typer(add_completion=False)
SUREFILL = Path(sys.executable).with_name("surefill")
PASSED_OVER = """
    insert into positions select 'relay', "position" from log_head
    on conflict (processor) do update set "position" = excluded."position"
"""


@app.command()
def main(
    events: int = typer.Option(1_000_000, help="Events of confirmed orders in the log."),
    rate: int = typer.Option(10, help="Orders a second meanwhile."),
) -> None:
    """Fill a log, project it, rebuild beside a running engine."""
    sys.exit(asyncio.run(_measure(events, rate)))


async def _measure(events: int, rate: int) -> int:
    console.print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores for all of it")
    directory = Path(tempfile.mkdtemp(prefix="surefill-bench-"))
    directory.chmod(0o755)
    try:
        async with engine(directory) as url, httpx2.AsyncClient(trust_env=False) as client:
            rpc_url = (await client.get(f"{url}/api/network")).json()["rpcUrl"]
            asked = {"jsonrpc": "2.0", "id": 1, "method": "getGenesisHash"}
            genesis_hash = (await client.post(rpc_url, json=asked)).json()["result"]
        async with _database(directory / "data") as database:
            await _fill(database, events, genesis_hash)
            await _project(database)
            with psycopg.connect(parse(database).conninfo, autocommit=True) as connection:
                # These orders were executed long ago: there is nothing to be done about them.
                connection.execute(PASSED_OVER)
        async with engine(directory) as url:
            return 0 if await _rebuild(url, directory, rate) else 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@asynccontextmanager
async def _database(data_dir: Path) -> AsyncIterator[str]:
    """The engine's PostgreSQL alone."""
    server = await postgres.prepare(data_dir)
    process = await child.start(server.program)
    try:
        await server.ready()
        yield server.url
    finally:
        await child.stop(process, server.program.stops)


async def _fill(database: str, events: int, genesis_hash: str) -> None:
    appender = Appender(database)
    await appender.start()
    begun = time.perf_counter()
    recorded = await append_histories(appender, events, genesis_hash)
    console.print(f"{recorded} events recorded at {recorded / (time.perf_counter() - begun):.0f}/s")
    await appender.stop()


async def _project(database: str) -> None:
    async with connection_pool(database) as pool:
        log = Log(pool)
        head = await log.head()
        begun = time.perf_counter()
        async with Lease(pool, PROCESSOR, owner="bench").hold() as lease:
            projecting = asyncio.create_task(OrdersProjector(pool, log, None, MAPPER).run(lease))
            while await OrderList(pool).position() < head:
                assert not projecting.done(), "the projector ended"
                await asyncio.sleep(0.2)
            seconds = time.perf_counter() - begun
            projecting.cancel()
            await asyncio.gather(projecting, return_exceptions=True)
        console.print(f"the live projector, alone: {head / seconds:.0f} events/s ({seconds:.1f} s)")


async def _rebuild(url: str, directory: Path, rate: int) -> bool:
    """Whether it agreed and nobody was refused meanwhile."""
    environment = {**os.environ, "DATA_DIR": str(directory / "data")}
    answers: dict[str, list[float]] = {"lists": [], "orders": []}
    refused: list[str] = []
    async with httpx2.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:

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
                    posting.create_task(ask("orders", "POST", "/api/orders/execute", json=BODY))
                    await asyncio.sleep(1 / rate)

        beside = [asyncio.create_task(read()), asyncio.create_task(trade())]
        rebuilding = await asyncio.create_subprocess_exec(
            SUREFILL, "rebuild", "orders", "--json", env=environment, stdout=asyncio.subprocess.PIPE
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
