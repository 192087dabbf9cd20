"""Waiting orders in a market that walks: each ends within its limit, and none that is met waits.

`python -m bench.market --minutes 5 --rate 20`. An engine of its own, `surefill localnet market` beside it, and a reader
of the pools' reserves that is not the engine's. Exits 1 where anything is wrong, and says what.
"""

from __future__ import annotations

import asyncio
import os
import platform
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import httpx2
import typer
from rich.console import Console

from bench.engine import SUREFILL, client, engine, environment
from bench.market_orders import around
from bench.market_verdict import SETTLED, History, Verdict, histories, judge, movements
from bench.met import Sample, sample
from bench.percentiles import percentile
from bench.scratch import data_directory
from chains.solana_client import SolanaChain
from localnet.world import pair_named
from venues.constant_product import PROGRAM_ID
from venues.pools import PoolBook
from venues.prices import PoolPrices

console = Console(soft_wrap=True)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
PAIRS = ("SOL/USDC", "JUP/USDC", "RAY/USDC", "BONK/SOL")
PATIENCE_S = 5.0
# What is met when the last order is submitted has this long to be fired, and then that long to land.
AFTERWARDS_S, SETTLED_WITHIN_S = 10.0, 60.0
SHOWN, TRIES = 20, 5


@app.command()
def main(
    minutes: float = typer.Option(5.0, help="How long orders are submitted."),
    rate: int = typer.Option(20, help="Orders a second."),
    seed: int = typer.Option(1, help="Of the market and of the orders."),
    volatility: int = typer.Option(10, help="A token's step each second, in basis points."),
) -> None:
    """Let the market walk, submit orders around its prices, and judge what became of them."""
    sys.exit(asyncio.run(_measure(minutes, rate, seed, volatility)))


async def _measure(minutes: float, rate: int, seed: int, volatility: int) -> int:
    console.print(
        f"{platform.platform()}, {os.cpu_count()} cores shared by everything; {rate} orders/s for {minutes:g} min on "
        f"{', '.join(PAIRS)}; market of seed {seed}, {volatility} bp a step"
    )
    with data_directory() as directory:
        async with engine(directory) as running:
            at = running.addresses
            samples: list[Sample] = []
            async with _market(directory, seed, volatility), _sampling(at["SOLANA_RPC_URL"], samples):
                async with client(running.url) as http:
                    wallet = (await http.get("/api/network")).json()["wallet"]
                    await _submit(http, samples, rate, round(minutes * 60 * rate), random.Random(f"orders {seed}"))
                await asyncio.sleep(AFTERWARDS_S)
                end = os.getloadavg()
            orders = await _settled(at["DATABASE_URL"])
            verdict = judge(orders, await movements(at["SOLANA_RPC_URL"], wallet), samples, PATIENCE_S)
            _show(verdict, samples, end)
            return 1 if verdict.wrong else 0


async def _submit(
    http: httpx2.AsyncClient, samples: list[Sample], rate: int, orders: int, chance: random.Random
) -> None:
    while not samples:
        await asyncio.sleep(0.05)
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as posts:
        for n in range(orders):
            await asyncio.sleep(max(0.0, begun + n / rate - time.perf_counter()))
            terms = {**around(samples[-1].prices, chance), "clientOrderId": str(n)}
            posts.create_task(_post(http, terms))


async def _post(http: httpx2.AsyncClient, terms: dict[str, str]) -> None:
    """Until it is answered: with its id it is one order, however often it is sent."""
    for tries_left in reversed(range(TRIES)):
        try:
            answer = await http.post("/api/orders/execute", json=terms)
        except httpx2.TransportError as lost:
            console.print(f"order {terms['clientOrderId']} is sent again: {type(lost).__name__}")
            if not tries_left:
                raise
            continue
        if answer.status_code != httpx2.codes.ACCEPTED:
            raise RuntimeError(f"{terms} was answered {answer.text}")
        return


async def _settled(database_url: str) -> dict[UUID, History]:
    """Every order's history once each has ended or rests, or after some patience."""
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while True:
        orders = histories(database_url)
        on_the_way = [events for events in orders.values() if events[-1][0].status not in SETTLED]
        if not on_the_way or time.monotonic() > deadline:
            return orders
        await asyncio.sleep(0.5)


@asynccontextmanager
async def _market(directory: Path, seed: int, volatility: int) -> AsyncIterator[None]:
    """`surefill localnet market` as a process, alive until the end."""
    command = [str(SUREFILL), "localnet", "market", "--seed", str(seed), "--volatility", str(volatility)]
    with (directory / "market.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, env=environment(directory), stdout=log, stderr=log)
        try:
            yield
            if process.returncode is not None:
                raise RuntimeError(f"the market ended with {process.returncode}")
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


@asynccontextmanager
async def _sampling(node_url: str, samples: list[Sample]) -> AsyncIterator[None]:
    async with SolanaChain(node_url) as chain, asyncio.TaskGroup() as tasks:
        source = PoolPrices(PoolBook(chain, PROGRAM_ID))
        sampling = tasks.create_task(sample(source, [pair_named(name) for name in PAIRS], samples))
        yield
        sampling.cancel()


def _show(verdict: Verdict, samples: list[Sample], load: tuple[float, float, float]) -> None:
    gaps = [(later.at - earlier.at).total_seconds() for earlier, later in pairwise(samples)]
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(verdict.statuses.items()))
    console.print(
        f"load {load[0]:.1f}  {statuses}; {verdict.transactions} transactions with a memo, {verdict.rested} rests; "
        f"{len(samples)} readings of the reserves, at most {max(gaps):.2f} s apart"
    )
    p50, p99 = (1000 * percentile(verdict.fired_after, rank) for rank in (50, 99))
    console.print(
        f"from met at size, as read every {1000 * percentile(gaps, 50):.0f} ms, to recorded: p50 {p50:.0f} ms, "
        f"p99 {p99:.0f} ms; longest that one was met and waited {verdict.longest_met:.1f} s"
    )
    for what in verdict.wrong[:SHOWN]:
        console.print(f"wrong: {what}")
    console.print(f"{len(verdict.wrong)} wrong" if verdict.wrong else "nothing wrong")


if __name__ == "__main__":
    app()
