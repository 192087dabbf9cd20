"""What a resting lane does to an engine: fills its book, lets it rest, meets some of it, kills who watches it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import httpx2

from bench import watchers
from bench.engine import Engine
from bench.ladder import FIRST_PRICE, STEP, far_limits, limits_met
from bench.past_the_api import Limit, fired, record
from bench.product import MARKET_KEY, move, pair_named

SOL_USDC = "SOL/USDC"
# By a standby, which has its book; a watcher that starts has to read a hundred thousand orders first.
GIVEN_UP_AFTER_S, MET_WITHIN_S = 300, 30
_WRITES = "select relname, n_tup_ins + n_tup_upd + n_tup_del from pg_stat_user_tables where relname <> 'leases'"


@dataclass(frozen=True, slots=True)
class Rest:
    """A time in which nothing was met. ``written``: rows by table, lease renewals left out."""

    observations: float
    processor_percent: float
    written: dict[str, int]


@dataclass(frozen=True, slots=True)
class RestingBook:
    """``metrics_port`` is the engine's METRICS_PORT."""

    engine: Engine
    metrics_port: int

    async def fill(self, orders: int, pairs: int) -> tuple[float, float]:
        """Orders far from any price: how many a second were recorded, and seconds until all are in the book."""
        network = httpx2.get(f"{self.engine.url}/api/network", trust_env=False).json()
        on = [pair_named(symbol) for symbol in network["pairs"][:pairs]]
        limits = [Limit(on[n % len(on)], "sell", price) for n, price in enumerate(far_limits(orders))]
        begun = time.perf_counter()
        await record(self._database, limits)
        recorded = time.perf_counter() - begun
        while self._book() != [orders, orders]:
            await asyncio.sleep(0.1)
        return orders / recorded, time.perf_counter() - begun - recorded

    async def rest(self, seconds: int) -> Rest:
        with self.engine.connect() as connection:
            await asyncio.sleep(2)  # statistics come a moment after what they count
            before: dict[str, int] = dict(connection.execute(_WRITES).fetchall())
            looks, used = self._observations(), self._processor_seconds()
            await asyncio.sleep(seconds)
            looks, used = self._observations() - looks, self._processor_seconds() - used
            after: dict[str, int] = dict(connection.execute(_WRITES).fetchall())
        written = {name: after[name] - count for name, count in before.items() if after[name] != count}
        return Rest(looks / seconds, 100 * used / seconds, written)

    async def meet(self, moves: int, met: int) -> list[float]:
        """Milliseconds from each trigger's observation to its record, of ``met`` orders a move."""
        pair = pair_named(SOL_USDC)
        await record(self._database, [Limit(pair, "sell", limit) for limit in limits_met(moves, met)])
        key, node = self.engine.directory / "data" / "localnet" / MARKET_KEY, self.engine.addresses["SOLANA_RPC_URL"]
        for k in range(1, moves + 1):
            await move(node, key, SOL_USDC, FIRST_PRICE + STEP * k)
        deadline = time.monotonic() + MET_WITHIN_S
        while len(taken := fired(self._database)) < moves * met and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
        return taken

    async def take_over(self, killed: int) -> float:
        """Seconds until, with that many watchers killed, an order that only a successor can fire was fired."""
        before = len(fired(self._database))
        with self.engine.connect() as connection:
            owner = watchers.owner(connection)
        others = [one.pid for one in self._watchers() if one.pid != owner]
        for pid in [owner, *others][:killed]:
            watchers.kill(pid)
        begun = time.perf_counter()
        await record(self._database, [Limit(pair_named(SOL_USDC), "sell", Decimal(100))])
        async with asyncio.timeout(GIVEN_UP_AFTER_S):
            while len(fired(self._database)) == before:
                await asyncio.sleep(0.1)
            taken = time.perf_counter() - begun
            while len(self._watchers()) < 2 or len(self._book()) < 2:
                await asyncio.sleep(0.2)
        return taken

    def memory(self) -> list[int]:
        """Each watcher's resident memory in MB."""
        return [one.memory for one in self._watchers()]

    @property
    def _database(self) -> str:
        return self.engine.addresses["DATABASE_URL"]

    def _book(self) -> list[int]:
        """Orders in each watcher's book, of those that have one."""
        return [n for n in watchers.shown(self.metrics_port, "surefill_book_orders") if n]

    def _observations(self) -> int:
        return sum(watchers.shown(self.metrics_port, "surefill_observations_total", "used"))

    def _processor_seconds(self) -> int:
        return sum(one.seconds for one in self._watchers())

    def _watchers(self) -> Sequence[watchers.Process]:
        return watchers.processes(self.engine.directory)
