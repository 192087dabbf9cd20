"""A PostgreSQL that is put back to a copy of its directory, under an engine as a user runs it."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import psycopg
from websockets.asyncio.client import connect

from tests.e2e.engine import Engine, body, ended, story
from tests.integration.conftest import TestDatabase
from tests.integration.event_store.putting_back import put_back
from verification import witness

WAITS = {"type": "limit", "limitPrice": "900"}
CLUSTER = "postgres-18"


async def post(client: httpx2.AsyncClient, **changes: object) -> dict[str, Any]:
    answer = await client.post("/api/orders/execute", json=body(**changes))
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def witnessed(engine: Engine, position: int) -> None:
    deadline = time.monotonic() + 10
    while (found := witness.read(engine.directory / "data" / "witness")) is None or found.position < position:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def replace_cluster(engine: Engine, copy: Path) -> None:
    cluster = engine.directory / "data" / CLUSTER / "data"
    shutil.rmtree(cluster)
    duplicate(copy, cluster)


def duplicate(cluster: Path, copy: Path) -> None:
    """With its owner, which the server's uid is, and its modes."""
    subprocess.run(["cp", "-a", cluster, copy], check=True)


async def check(client: httpx2.AsyncClient, name: str) -> dict[str, Any]:
    readiness = await client.get("/health/ready")
    assert readiness.status_code == 200, readiness.text
    return next(one for one in readiness.json()["checks"] if one["name"] == name)


@dataclass(frozen=True)
class Clients:
    """What clients were answered: of orders from before the copy was made, and of one from after it."""

    executed: dict[str, Any]
    kept: dict[str, Any]
    cancelled: dict[str, Any]
    lost: dict[str, Any]
    executed_lost: dict[str, Any]
    """What the engine said of the lost order once it was executed."""
    last: int
    """The last position the engine had come to."""


async def put_back_to_a_copy(engine: Engine, copy: Path) -> Clients:
    """An engine whose cluster's directory is that of its middle; it doesn't run."""
    engine.start()
    async with engine.client() as client:
        executed = await post(client, clientOrderId="before")
        kept = await post(client, clientOrderId="kept", **WAITS)
        cancelled = await post(client, clientOrderId="cancelled", **WAITS)
        await ended(client, [executed["orderId"]])
    assert engine.stop() == 0
    duplicate(engine.directory / "data" / CLUSTER / "data", copy)
    engine.start()
    async with engine.client() as client:
        lost = await post(client, clientOrderId="lost")
        executed_lost = (await ended(client, [lost["orderId"]]))[lost["orderId"]]
        last = int((await story(client, lost["orderId"]))[-1]["position"].partition(".")[2])
    witnessed(engine, last)
    assert engine.stop() == 0
    replace_cluster(engine, copy)
    return Clients(executed, kept, cancelled, lost, executed_lost, last)


async def test_a_log_that_was_put_back_is_halted_until_recover_and_resume(own_engine: Engine) -> None:
    engine, copy = own_engine, own_engine.directory / "copy"
    engine.settings["MARKET_ORDER_DEADLINE"] = "3"
    clients = await put_back_to_a_copy(engine, copy)
    engine.start()
    async with engine.client() as client:
        await _says_so(engine, client, clients)
        await _has_lost_its_end(engine, client, clients)
        await _waits(client, clients)
        _needs_a_decision_of_each_open_order(engine, clients)
        await _goes_on(engine, client, clients)
    verified = engine.run("verify")
    assert verified.returncode == 0 and "all equal" in verified.stdout, verified.stdout
    # Its new witness is its own: it is not found behind again.
    assert engine.stop() == 0
    engine.start()
    async with engine.client() as client:
        assert (await check(client, "log"))["ok"]

    # Put back once more, where no witness is kept: the wallet's history tells.
    assert engine.stop() == 0
    replace_cluster(engine, copy)
    engine.settings["WITNESS"] = "off"
    engine.start()
    async with engine.client() as client:
        await _becomes_behind(client)
        log = await check(client, "log")
        assert f"{clients.executed_lost['txHash']} of order {clients.lost['orderId']}" in log["reason"]


async def _becomes_behind(client: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(20):
        while (await check(client, "log"))["ok"]:
            await asyncio.sleep(0.1)


async def _says_so(engine: Engine, client: httpx2.AsyncClient, clients: Clients) -> None:
    log = await check(client, "log")
    assert (log["ok"], log["reason"][:12]) == (False, "log_behind: ")
    assert f"has seen position {clients.last} in epoch 1" in log["reason"]
    assert (await check(client, "leases"))["ok"]
    assert "surefill_log_behind 1.0" in (await client.get("/metrics")).text


async def _has_lost_its_end(engine: Engine, client: httpx2.AsyncClient, clients: Clients) -> None:
    assert (await client.get(clients.lost["links"]["order"])).status_code == 404
    for position in (clients.lost["position"], clients.lost["position"].removeprefix("1.")):
        gone = await client.get("/api/orders", params={"position": position})
        assert (gone.status_code, gone.json()["code"]) == (410, "position_lost")
    assert (await client.get("/api/orders", params={"position": clients.executed["position"]})).status_code == 200
    async with connect(f"ws://127.0.0.1:{engine.port}/ws/orders/{clients.kept['orderId']}?after=4") as socket:
        assert json.loads(await socket.recv())["status"] == "pending"
        await socket.wait_closed()
    assert socket.close_code == 4410


async def _waits(client: httpx2.AsyncClient, clients: Clients) -> None:
    """What is sent again is taken and waits, past its deadline too; without an id of the client's it isn't taken."""
    again = await post(client, clientOrderId="lost")
    assert again["position"].startswith("2.") and again["orderId"] == clients.lost["orderId"]
    refused = await client.post("/api/orders/execute", json=body())
    assert (refused.status_code, refused.json()["code"]) == (503, "log_behind")
    await asyncio.sleep(4)
    types = [event["type"] for event in await story(client, again["orderId"])]
    assert types == ["OrderSubmitted", "OrderTriggered"]
    waiting = (await client.get(again["links"]["order"])).json()
    assert (waiting["status"], waiting["halt"]["code"]) == ("routing", "log_behind")


BECAUSE = ("--because", "the disk was lost")


def _needs_a_decision_of_each_open_order(engine: Engine, clients: Clients) -> None:
    hasty = engine.run("resume", *BECAUSE)
    assert hasty.returncode == 1 and hasty.stderr.startswith("surefill: log_behind: ")
    ended = engine.run("cancel", clients.kept["orderId"], *BECAUSE)
    assert ended.returncode == 1 and ended.stderr.startswith("surefill: log_behind: ")
    verified = engine.run("verify", "--no-chain")
    assert verified.returncode == 1 and "the log was put back to an earlier moment" in verified.stdout
    shown = engine.run_hurried("recover", within=180)
    assert shown.returncode == 1 and f"has seen position {clients.last}" in shown.stdout
    assert all(order["orderId"] in shown.stdout for order in (clients.kept, clients.cancelled, clients.lost))
    assert clients.executed["orderId"] not in shown.stdout
    assert "executed outside of the log, now recorded: 1" in shown.stdout
    assert "open orders: 2" in shown.stdout
    unnamed = engine.run_hurried("recover", "--keep", clients.kept["orderId"], *BECAUSE)
    assert unnamed.returncode == 1 and unnamed.stderr.startswith("surefill: unnamed: 1 open and named neither")
    done = engine.run_hurried(
        "recover", "--cancel", clients.cancelled["orderId"], "--keep", "all", *BECAUSE, within=180
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 orders kept, 1 cancelled; epoch 2 began after position ")


async def _goes_on(engine: Engine, client: httpx2.AsyncClient, clients: Clients) -> None:
    cancelled = (await client.get(clients.cancelled["links"]["order"])).json()
    assert cancelled["failure"]["code"] == "cancelled_at_recovery"
    assert not (await check(client, "log"))["ok"]
    assert engine.run("resume", *BECAUSE).returncode == 0
    # What was executed in the lost end is as the chain has it, and new orders execute.
    lost = (await client.get(clients.lost["links"]["order"])).json()
    assert lost["status"] == "confirmed", lost
    same = ("txHash", "executedAmountIn", "executedAmountOut", "executedPrice")
    assert [lost[name] for name in same] == [clients.executed_lost[name] for name in same]
    assert lost["fee"]["networkLamports"] == clients.executed_lost["fee"]["networkLamports"]
    new = await post(client, clientOrderId="after")
    assert (await ended(client, [new["orderId"]]))[new["orderId"]]["status"] == "confirmed"
    assert (await client.get(clients.kept["links"]["order"])).json()["status"] == "pending"
    assert (await check(client, "log"))["ok"]


async def test_a_running_engine_whose_log_is_put_back_ends_and_finds_it_behind(own_engine: Engine) -> None:
    engine = own_engine
    engine.start()
    async with engine.client() as client:
        first = await post(client, clientOrderId="first")
        await ended(client, [first["orderId"]])
        last = int((await story(client, first["orderId"]))[-1]["position"].partition(".")[2])
    witnessed(engine, last)
    addresses = engine.addresses()
    database = TestDatabase(owner=addresses["DATABASE_OWNER_URL"], app=addresses["DATABASE_URL"])
    put_back(superuser_of(engine, database), database, 2)
    deadline = time.monotonic() + 20
    async with engine.client() as client:
        while True:
            try:
                if not (await check(client, "log"))["ok"]:
                    break
            except (httpx2.HTTPError, AssertionError):
                pass
            assert time.monotonic() < deadline, engine.log()
            await asyncio.sleep(0.1)
    said = [line for line in engine.log().splitlines() if line.startswith("surefill: the log is not the one")]
    assert len(said) == 1
    named = re.search(r"at position (\d+), where the process has seen an event, there is no event", said[0])
    assert named and int(named[1]) >= last, said
    assert "Traceback" not in engine.log()


def superuser_of(engine: Engine, database: TestDatabase) -> str:
    passwords = json.loads((engine.directory / "data" / CLUSTER / "passwords.json").read_text())
    parts = psycopg.conninfo.conninfo_to_dict(database.owner)
    return (
        f"postgresql://postgres:{quote(passwords['postgres'], safe='')}@{parts['host']}:{parts['port']}/"
        f"{parts['dbname']}"
    )
