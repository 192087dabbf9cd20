"""A book of waiting orders: what it costs at rest, how fast it fires, how soon another watcher takes over.

`python -m bench.resting --orders 100000`. Orders are recorded through the command side, past the API; everything after
that is the engine as it runs.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from itertools import islice
from pathlib import Path
from uuid import uuid4

import httpx2
import psycopg
import typer
from rich.console import Console

from bench.engine import engine
from bench.throughput import percentile
from commands.ids import DEFAULT_ACCOUNT
from commands.orders import Orders
from commands.submit import submit_order
from domain.commands import SubmitOrder
from domain.events import ORDER_EVENTS, OrderTriggered
from domain.tokens import KNOWN_TOKENS, SOL, USDC, Pair, pair_of
from event_store.appender import Appender
from event_store.dsn import parse
from event_store.log import Log
from event_store.mapper import EventMapper
from event_store.pool import connection_pool

console = Console()
app = typer.Typer(add_completion=False)
AT_ONCE = 1_000
WRITES = "select relname, n_tup_ins + n_tup_upd + n_tup_del from pg_stat_user_tables where relname <> 'leases'"


@app.command()
def main(
    orders: int = typer.Option(100_000, help="Orders that rest far from the price."),
    pairs: int = typer.Option(10, help="Pairs they rest on."),
    seconds: int = typer.Option(60, help="How long nothing is met."),
    near: int = typer.Option(200, help="Orders near the price, that one move of it meets."),
) -> None:
    """Fill the book, let it rest, meet some of it, kill the watcher."""
    sys.exit(asyncio.run(_measure(orders, pairs, seconds, near)))


async def _measure(orders: int, pairs: int, seconds: int, near: int) -> int:
    console.print(f"{platform.platform()}, {os.cpu_count()} cores shared by everything; observations every 10 ms")
    directory = Path(tempfile.mkdtemp(prefix="surefill-bench-"))
    directory.chmod(0o755)
    os.environ["PRICE_POLL_MS"] = "10"
    try:
        async with engine(directory) as url:
            addresses = _addresses(directory)
            network = httpx2.get(f"{url}/api/network", trust_env=False).json()
            traded = [_pair(symbol) for symbol in islice(network["pairs"], pairs)]
            await _fill(addresses["DATABASE_URL"], traded, orders)
            await asyncio.sleep(3)
            console.print(f"{orders} orders on {len(traded)} pairs; watchers' memory {_memory()} MB")
            still = _rest(addresses["DATABASE_URL"], seconds)
            await _meet(directory, addresses["DATABASE_URL"], near)
            await _take_over(addresses["DATABASE_URL"])
            return 0 if still else 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _addresses(directory: Path) -> dict[str, str]:
    shown = _surefill(directory, "env")
    return dict(line.split("=", 1) for line in shown.splitlines())


def _surefill(directory: Path, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("surefill")), *arguments]
    environment = {**os.environ, "DATA_DIR": str(directory / "data")}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def _pair(symbol: str) -> Pair:
    one, other = (KNOWN_TOKENS.find(name) for name in symbol.split("/"))
    if one is None or other is None:
        raise LookupError(symbol)
    return pair_of(one, other)


async def _fill(url: str, pairs: list[Pair], orders: int) -> None:
    """Sells a thousandfold above any price, none of which is ever met."""
    begun = time.perf_counter()
    for start in range(0, orders, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, orders))
        await _submit(url, [(pairs[n % len(pairs)], Decimal(1_000_000 + n)) for n in numbers])
    console.print(f"recorded at {orders / (time.perf_counter() - begun):.0f} orders/s")


async def _submit(url: str, wanted: list[tuple[Pair, Decimal]]) -> None:
    appender = Appender(url)
    await appender.start()
    async with connection_pool(url) as pool:
        recorder = Orders(Log(pool), appender, EventMapper(ORDER_EVENTS))
        await asyncio.gather(*(submit_order(recorder, DEFAULT_ACCOUNT, _order(pair, limit)) for pair, limit in wanted))
    await appender.stop()


def _order(pair: Pair, limit: Decimal) -> SubmitOrder:
    return SubmitOrder(
        type="limit",
        token_in=pair.base,
        token_out=pair.quote,
        amount_in=10**6,
        slippage_bps=50,
        slippage_defaulted=True,
        client_order_id=uuid4().hex,
        deadline=None,
        network="localnet",
        limit_price=limit,
    )


def _watchers() -> list[tuple[int, int]]:
    """Process id and resident kilobytes of each watcher."""
    shown = subprocess.run(["ps", "-axww", "-o", "pid=,rss=,command="], check=True, capture_output=True, text=True)
    rows = (line.split(None, 2) for line in shown.stdout.splitlines())
    return [(int(row[0]), int(row[1])) for row in rows if row[2].endswith("surefill watcher")]


def _memory() -> list[int]:
    return [kilobytes // 1024 for _, kilobytes in _watchers()]


def _rest(url: str, seconds: int) -> bool:
    """Whether nothing but leases was written while nothing was met."""
    with psycopg.connect(parse(url).conninfo, autocommit=True) as connection:
        time.sleep(2)  # statistics come a moment after what they count
        before = dict(connection.execute(WRITES).fetchall())
        time.sleep(seconds)
        after = dict(connection.execute(WRITES).fetchall())
    changed = {name: after[name] - count for name, count in before.items() if after[name] != count}
    console.print(f"{seconds} s at rest: writes beside lease renewals {changed or 'none'}")
    return not changed


async def _meet(directory: Path, url: str, near: int) -> None:
    limits = [Decimal("150.5") + n * Decimal("0.001") for n in range(near)]
    await _submit(url, [(pair_of(SOL, USDC), limit) for limit in limits])
    _surefill(directory, "localnet", "price", "SOL/USDC", "156")
    deadline = time.monotonic() + 30
    while len(taken := _fired(url)) < near and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    console.print(
        f"{len(taken)} of {near} met by one move: observation to recorded OrderTriggered "
        f"p50 {percentile(taken, 50):.0f} ms, p99 {percentile(taken, 99):.0f} ms"
    )


def _fired(url: str) -> list[float]:
    """Milliseconds from each trigger's observation to its record."""
    mapper = EventMapper(ORDER_EVENTS)
    with psycopg.connect(parse(url).conninfo, autocommit=True) as connection:
        rows = connection.execute(
            "select state, recorded_at from events where topic = %s", (OrderTriggered.TOPIC,)
        ).fetchall()
    times = []
    for state, recorded_at in rows:
        event = mapper.load(OrderTriggered.TOPIC, bytes(state))
        if isinstance(event, OrderTriggered) and event.observation:
            times.append((recorded_at - event.observation.observed_at).total_seconds() * 1_000)
    return times


async def _take_over(url: str) -> None:
    """Kill the watchers' owner and let an order be met that only its successor can fire."""
    before = len(_fired(url))
    with psycopg.connect(parse(url).conninfo, autocommit=True) as connection:
        row = connection.execute("select owner from leases where processor = 'watcher'").fetchone()
    if row is None:
        raise LookupError("nobody watches")
    os.kill(int(str(row[0]).rpartition(":")[2]), 9)
    begun = time.perf_counter()
    await _submit(url, [(pair_of(SOL, USDC), Decimal(100))])
    while len(_fired(url)) == before and time.perf_counter() - begun < 60:
        await asyncio.sleep(0.1)
    console.print(f"watcher killed; the next order fired {time.perf_counter() - begun:.1f} s later")


if __name__ == "__main__":
    app()
