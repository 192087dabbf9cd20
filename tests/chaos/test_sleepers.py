"""A lease's holder is stopped for a minute: another goes on within seconds, and the sleeper, awake, writes nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from projections.orders import PROCESSOR
from tests.chaos.writes import Writes
from tests.e2e.engine import Engine, ended, submit
from workers.tracker.tracker import TRACKER
from workers.watcher.book_feed import WATCHER

ASLEEP = 60.0
TAKEN_OVER_WITHIN = 10.0
IN_FLIGHT = timedelta(seconds=1)  # a statement sent before the stop is PostgreSQL's to finish
LIMIT = {"type": "limit", "limitPrice": "100"}  # far below the price: it fires as soon as somebody watches


@pytest.fixture(scope="module")
def engine(reachable: Path) -> Iterator[Engine]:
    directory = reachable / "sleepers"
    directory.mkdir(mode=0o755)
    engine = Engine(directory, settings={"PROCESSES": "roles"})
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture(scope="module")
def writes(engine: Engine) -> Writes:
    return Writes(engine.addresses())


@asynccontextmanager
async def orders_flow(engine: Engine) -> AsyncIterator[list[str]]:
    """A market and a limit order a second, as long as the body runs."""
    ids: list[str] = []

    async def flow() -> None:
        async with engine.client() as client:
            while True:
                ids.append(await submit(client, amountIn="0.01"))
                ids.append(await submit(client, amountIn="0.01", slippageBps=300, **LIMIT))
                await asyncio.sleep(1)

    flowing = asyncio.create_task(flow())
    try:
        yield ids
    finally:
        flowing.cancel()
        with suppress(asyncio.CancelledError):
            await flowing


async def until(holds: object, within: float) -> float:
    """Seconds it took."""
    begun = time.monotonic()
    while not holds():  # type: ignore[operator]
        assert time.monotonic() - begun < within, "not in time"
        await asyncio.sleep(0.05)
    return time.monotonic() - begun


@pytest.mark.parametrize("processor", [PROCESSOR, TRACKER, WATCHER])
async def test_another_takes_over_and_the_sleeper_awake_writes_nothing(
    engine: Engine, writes: Writes, processor: str
) -> None:
    # The one that woke last time is a standby again.
    await until(lambda: writes.holder(processor)[0], within=30)
    async with orders_flow(engine) as ids:
        await asyncio.sleep(3)
        sleeper, epoch = writes.holder(processor)
        stopped_at, losses = writes.clock(), _losses(engine)
        os.kill(sleeper, signal.SIGSTOP)
        began = time.monotonic()
        try:
            took = await until(lambda: writes.holder(processor)[1] > epoch, within=TAKEN_OVER_WITHIN)
            async with engine.client() as client:
                first = [await submit(client, amountIn="0.01", slippageBps=300, **more) for more in ({}, LIMIT)]
                await ended(client, first, within=30)
            ended_after = time.monotonic() - began
            await asyncio.sleep(ASLEEP - (time.monotonic() - began))
        finally:
            os.kill(sleeper, signal.SIGCONT)
        standby_after = await until(lambda: _losses(engine) > losses, within=15)
    async with engine.client() as client:
        orders = await ended(client, ids, within=60)
        await _listed(client, ids)
    assert {order["status"] for order in orders.values()} == {"confirmed"}
    assert writes.by(sleeper, after=stopped_at + IN_FLIGHT) == []
    assert writes.by(writes.holder(processor)[0], after=stopped_at), "nobody writes: this test sees nothing"
    print(
        f"{processor}: taken over after {took:.1f} s, the next orders confirmed after {ended_after:.1f} s, "
        f"the sleeper a standby {standby_after:.2f} s after it woke, {len(ids)} orders"
    )


async def _listed(client: httpx2.AsyncClient, ids: list[str]) -> None:
    """The read model shows the last of them as it ended."""
    async with asyncio.timeout(30):
        while True:
            items = (await client.get("/api/orders?status=confirmed&limit=50")).json()["items"]
            if ids[-1] in {one["orderId"] for one in items}:
                return
            await asyncio.sleep(0.1)


def _losses(engine: Engine) -> int:
    """How often a role has noticed that its lease is another's, and begun again as a standby."""
    lines = (engine.directory / "up.log").read_text(errors="replace").splitlines()
    return sum("role begins again" in line and "LeaseLostError" in line for line in lines)
