"""Everything is killed at once, in mid-load, three times; and Valkey is emptied ten times in a run. Nothing is lost."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import signal
import time
from contextlib import suppress
from datetime import datetime
from typing import Any

import httpx2
import redis

from tests.e2e.engine import Engine, body, ended
from tests.e2e.processes import descendants

ORDERS = 300
DEATHS = 3
FLUSHES = 10
AT_ONCE = 8


def terms(number: int) -> dict[str, object]:
    """Two market orders to one limit order whose price is there; small, so that none spoils another's price."""
    shared = {"clientOrderId": f"{number}-{secrets.token_hex(6)}", "amountIn": "0.01", "slippageBps": 500}
    return body(**shared, **({"type": "limit", "limitPrice": "100"} if number % 3 == 0 else {}))


async def submitted(client: httpx2.AsyncClient, order: dict[str, object]) -> str:
    """Sent again until it is accepted, whatever happens to the engine meanwhile: its own id makes it one order."""
    while True:
        with suppress(httpx2.TransportError):
            answer = await client.post("/api/orders/execute", json=order)
            if answer.status_code == 202:
                return str(answer.json()["orderId"])
            assert answer.status_code == 503, answer.text
        await asyncio.sleep(0.1)


async def submit_all(client: httpx2.AsyncClient, count: int, ids: list[str], pause: float) -> None:
    """``count`` orders from ``AT_ONCE`` clients; each id joins ``ids`` as its order is accepted."""
    numbers = iter(range(count))

    async def one_client() -> None:
        for number in numbers:
            ids.append(await submitted(client, terms(number)))
            await asyncio.sleep(pause)

    await asyncio.gather(*(one_client() for _ in range(AT_ONCE)))


def kill_everything(engine: Engine) -> None:
    """The supervisor first, so that it starts nothing again; with it everything below."""
    below = descendants(engine.pid)
    engine.stop(signal.SIGKILL)
    for one in below:
        with suppress(ProcessLookupError):
            one.kill()


def verified(engine: Engine, orders: int) -> dict[str, Any]:
    """The verdict of `surefill verify` over log, read models and chain, which says that everything agrees."""
    verdict = engine.run("verify", "--json")
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    last: dict[str, Any] = json.loads(verdict.stdout.splitlines()[-1])
    assert last["verdict"] == "equal"
    assert last["lookedAt"]["orders"] >= orders
    return last


async def test_kill_9_of_everything_in_mid_load_loses_no_order_and_repeats_none(own_engine: Engine) -> None:
    dice = random.Random(7)
    own_engine.start(within=180)
    ids: list[str] = []
    async with own_engine.client() as client:
        for death in range(DEATHS):
            before = len(ids)
            submitting = asyncio.create_task(submit_all(client, ORDERS // DEATHS, ids, pause=0.1))
            while len(ids) < before + dice.randrange(20, ORDERS // DEATHS - 20):
                await asyncio.sleep(0.01)
            kill_everything(own_engine)
            accepted, open_ones = list(ids), len(ids) - before
            assert not submitting.done()
            begun = time.monotonic()
            await asyncio.to_thread(own_engine.start, within=120)
            ready = time.monotonic() - begun
            await ended(client, accepted, within=180)
            took = time.monotonic() - begun
            print(f"death {death + 1}, {open_ones} orders into a load: ready {ready:.1f} s after the start, the last "
                  f"of them ended after {took:.1f} s")  # fmt: skip
            await submitting
        orders = await ended(client, ids, within=180)
    assert len(set(ids)) == ORDERS
    assert {order["status"] for order in orders.values()} == {"confirmed"}
    verified(own_engine, ORDERS)


def took(order: dict[str, Any]) -> float:
    """Seconds from submitted to its end, by the log's clock."""
    begun, over = (datetime.fromisoformat(order[name]) for name in ("submittedAt", "updatedAt"))
    return (over - begun).total_seconds()


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


async def test_valkey_emptied_ten_times_loses_nothing(own_engine: Engine) -> None:
    own_engine.start(within=180)
    ids: list[str] = []
    flushed: list[float] = []
    valkey = redis.Redis.from_url(own_engine.addresses()["REDIS_URL"])
    async with own_engine.client() as client:
        submitting = asyncio.create_task(submit_all(client, ORDERS, ids, pause=3.0))
        for flush in range(FLUSHES):
            while len(ids) < ORDERS * (flush + 1) // (FLUSHES + 2):
                await asyncio.sleep(0.01)
            valkey.flushall()
            flushed.append(time.time())
        await submitting
        orders = await ended(client, ids, within=180)
    assert {order["status"] for order in orders.values()} == {"confirmed"}
    hit, spared = [], []
    for order in orders.values():
        begun = datetime.fromisoformat(order["submittedAt"]).timestamp()
        in_flight = any(begun <= at <= begun + took(order) for at in flushed)
        (hit if in_flight else spared).append(took(order))
    assert len(flushed) == FLUSHES
    assert hit, "no order was in flight at a flush: this shows nothing"
    for name, values in (("in flight at a flush", hit), ("the others", spared)):
        p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
        print(f"{name}: {len(values)} orders, p50 {p50:.2f} s, p99 {p99:.2f} s")
    print(f"p99 of what emptying delays: {percentile(hit, 0.99) - percentile(spared, 0.5):.2f} s over the others' p50")
    verified(own_engine, ORDERS)
