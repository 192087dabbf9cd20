"""A book of waiting orders: what it costs at rest, how fast it fires, how soon another watcher takes over.

`python -m bench.resting --orders 100000`. Orders are recorded through the command side, past the API; everything after
that is the engine as it runs. Exits 1 where something was written at rest, an order was not fired, or a take-over took
longer than it may.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import time
from decimal import Decimal
from itertools import islice
from pathlib import Path

import httpx2
import psycopg
import typer
from rich.console import Console

from bench import watchers
from bench.engine import addresses, data_directory, engine, free_ports
from bench.past_the_api import Limit, fired, record
from bench.throughput import percentile
from domain.tokens import SOL, USDC, Pair, pair_of
from event_store.dsn import parse
from localnet.bootstrap import MARKET_KEY
from localnet.market.price import move
from localnet.world import pair_named

console = Console(soft_wrap=True)
app = typer.Typer(add_completion=False)
WRITES = "select relname, n_tup_ins + n_tup_upd + n_tup_del from pg_stat_user_tables where relname <> 'leases'"
# By a standby, which has its book; a watcher that starts has to read a hundred thousand orders first.
TAKEN_OVER_WITHIN_S, GIVEN_UP_AFTER_S = 10, 300
SOL_USDC = pair_of(SOL, USDC)
# What a seller gets of the pools' price: the cheapest venue's fee is 20 bp.
NET = Decimal("0.998")


@app.command()
def main(
    orders: int = typer.Option(100_000, help="Orders that rest far from the price."),
    pairs: int = typer.Option(10, help="Pairs they rest on."),
    seconds: int = typer.Option(60, help="How long nothing is met."),
    moves: int = typer.Option(20, help="Moves of the price, half a dollar each."),
    met: int = typer.Option(50, help="Orders that each move meets."),
) -> None:
    """Fill the book, let it rest, meet some of it, kill the watcher."""
    sys.exit(asyncio.run(_measure(orders, pairs, seconds, moves, met)))


async def _measure(orders: int, pairs: int, seconds: int, moves: int, met: int) -> int:
    console.print(f"{platform.platform()}, {os.cpu_count()} cores shared by everything; observations every 10 ms")
    metrics = free_ports(watchers.PORTS)
    with data_directory() as directory:
        async with engine(directory, PRICE_POLL_MS="10", METRICS_PORT=str(metrics)) as url:
            network = httpx2.get(f"{url}/api/network", trust_env=False).json()
            bench = _Bench(directory, addresses(directory), metrics)
            await bench.fill([pair_named(symbol) for symbol in islice(network["pairs"], pairs)], orders)
            well = [
                bench.rest(seconds),
                await bench.meet(moves, met),
                await bench.take_over("the owner killed, the other stands by", 1) <= TAKEN_OVER_WITHIN_S,
            ]
            await bench.take_over("both killed, started again by the supervisor", 2)
            return 0 if all(well) else 1


class _Bench:
    """An engine, its addresses by name of the setting, and where its roles show their metrics."""

    def __init__(self, directory: Path, addresses: dict[str, str], metrics_port: int) -> None:
        self._directory = directory
        self._database = addresses["DATABASE_URL"]
        self._node = addresses["SOLANA_RPC_URL"]
        self._metrics = metrics_port

    async def fill(self, pairs: list[Pair], orders: int) -> None:
        """Sells a thousandfold above any price, none of which is ever met."""
        begun = time.perf_counter()
        await record(
            self._database, [Limit(pairs[n % len(pairs)], "sell", Decimal(1_000_000 + n)) for n in range(orders)]
        )
        recorded = time.perf_counter() - begun
        while self._book() != [orders, orders]:
            await asyncio.sleep(0.1)
        self._say(
            f"{orders} orders on {len(pairs)} pairs recorded at {orders / recorded:.0f}/s, in the book "
            f"{time.perf_counter() - begun - recorded:.1f} s later; {self._memory()}"
        )

    def rest(self, seconds: int) -> bool:
        """Whether nothing but leases was written while nothing was met."""
        with self._connection() as connection:
            time.sleep(2)  # statistics come a moment after what they count
            before: dict[str, int] = dict(connection.execute(WRITES).fetchall())
            looks, used = self._observations(), self._processor_seconds()
            time.sleep(seconds)
            looks, used = self._observations() - looks, self._processor_seconds() - used
            after: dict[str, int] = dict(connection.execute(WRITES).fetchall())
        changed = {name: after[name] - count for name, count in before.items() if after[name] != count}
        self._say(
            f"{seconds} s at rest: {looks / seconds:.1f} observations/s, watchers' processor time "
            f"{100 * used / seconds:.0f} % of a core; writes beside lease renewals: {changed or 'none'}"
        )
        return not changed

    async def meet(self, moves: int, met: int) -> bool:
        """Whether each of ``moves`` fired the orders it met, every one of them."""
        step = Decimal("0.5")
        limits = [NET * (150 + step * k) + step * n / (met + 1) for k in range(moves) for n in range(1, met + 1)]
        await record(self._database, [Limit(SOL_USDC, "sell", limit.quantize(Decimal("1E-9"))) for limit in limits])
        for k in range(1, moves + 1):
            await self._move(150 + step * k)
        deadline = time.monotonic() + 30
        while len(taken := fired(self._database)) < moves * met and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
        self._say(
            f"{len(taken)} of {moves * met} met in {moves} moves: observation to recorded OrderTriggered "
            f"p50 {percentile(taken, 50):.0f} ms, p99 {percentile(taken, 99):.0f} ms, "
            f"longest {max(taken, default=0):.0f} ms; {self._memory()}"
        )
        return len(taken) == moves * met

    async def take_over(self, how: str, killed: int) -> float:
        """Seconds until, with that many watchers killed, an order that only a successor can fire was fired."""
        before = len(fired(self._database))
        with self._connection() as connection:
            owner = watchers.owner(connection)
        others = [process.pid for process in watchers.processes(self._directory) if process.pid != owner]
        for pid in [owner, *others][:killed]:
            watchers.kill(pid)
        begun = time.perf_counter()
        await record(self._database, [Limit(SOL_USDC, "sell", Decimal(100))])
        async with asyncio.timeout(GIVEN_UP_AFTER_S):
            while len(fired(self._database)) == before:
                await asyncio.sleep(0.1)
        taken = time.perf_counter() - begun
        self._say(f"{how}: the next order fired {taken:.1f} s later")
        while len(watchers.processes(self._directory)) < 2 or len(self._book()) < 2:
            await asyncio.sleep(0.2)
        self._say(
            f"both watchers hold their books {time.perf_counter() - begun:.1f} s after the kill; {self._memory()}"
        )
        return taken

    async def _move(self, price: Decimal) -> None:
        await move(self._node, self._directory / "data" / "localnet" / MARKET_KEY, SOL_USDC.symbol, price)

    def _book(self) -> list[int]:
        """Orders in each watcher's book, of those that have one."""
        return [n for n in watchers.shown(self._metrics, "surefill_book_orders") if n]

    def _observations(self) -> int:
        return sum(watchers.shown(self._metrics, "surefill_observations_total", "used"))

    def _processor_seconds(self) -> int:
        return sum(process.seconds for process in watchers.processes(self._directory))

    def _memory(self) -> str:
        return f"memory {' and '.join(f'{process.memory} MB' for process in watchers.processes(self._directory))}"

    def _connection(self) -> psycopg.Connection:
        return psycopg.connect(parse(self._database).conninfo, autocommit=True)

    def _say(self, text: str) -> None:
        console.print(f"load {os.getloadavg()[0]:.1f}  {text}")


if __name__ == "__main__":
    app()
