"""Processes die and stand still; every order is still executed once."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from solana.rpc.async_api import AsyncClient
from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address

from tests.e2e.engine import STORY, Engine, body, ended, story, submit
from tests.e2e.processes import all_processes, descendants, role


async def sol_held(network: dict[str, str]) -> Decimal:
    """The wallet's wrapped SOL once the chain has settled."""
    mint = Pubkey.from_string("So11111111111111111111111111111111111111112")
    account = get_associated_token_address(Pubkey.from_string(network["wallet"]), mint)
    async with AsyncClient(network["rpcUrl"]) as chain:
        return Decimal((await chain.get_token_account_balance(account, "confirmed")).value.amount) / 10**9


async def gone(pids: set[int], *, within: float = 10) -> None:
    deadline = time.monotonic() + within
    while left := [one for one in all_processes() if one.pid in pids]:
        assert time.monotonic() < deadline, left
        await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def divided(reachable: Path) -> Iterator[Engine]:
    """An engine with a process for each role."""
    directory = reachable / "divided"
    directory.mkdir(mode=0o755)
    engine = Engine(directory, settings={"PROCESSES": "roles"})
    engine.start()
    yield engine
    assert engine.stop() == 0, engine.log()


@pytest.mark.parametrize("name", ["worker", "projector", "tracker", "api"])
async def test_kill_9_of_a_role_with_orders_in_flight_executes_every_order_once(divided: Engine, name: str):
    await executed_once_though_killed(divided, name)


async def test_kill_9_of_core_with_orders_in_flight_executes_every_order_once(engine: Engine):
    await executed_once_though_killed(engine, "run core")


async def executed_once_though_killed(engine: Engine, name: str) -> None:
    async with engine.client() as client:
        network = (await client.get("/api/network")).json()
        before = await sol_held(network)
        ids = await asyncio.gather(*(submit(client, amountIn="0.25") for _ in range(40)))
        killed = role(engine.pid, name)
        assert killed
        for one in killed:
            one.kill()
    async with engine.client() as client:
        orders = await ended(client, list(ids))
        stories = [await story(client, order_id) for order_id in ids]
    assert {order["status"] for order in orders.values()} == {"confirmed"}
    for events in stories:
        assert [event["type"] for event in events].count("OrderConfirmed") == 1
    assert before - await sol_held(network) == Decimal("0.25") * 40


async def test_what_a_dead_process_held_is_given_back_at_once(divided: Engine):
    """The supervisor sees it end: nobody waits for the five seconds of its lease."""
    holder = (
        "select owner, epoch from surefill_app.leases where processor = 'tracker' and expires_at > clock_timestamp()"
    )
    with psycopg.connect(divided.addresses()["DATABASE_URL"].split("?")[0], autocommit=True) as connection:
        owner, epoch = connection.execute(holder).fetchone() or ("", 0)
        [held] = [one for one in role(divided.pid, "tracker") if owner.endswith(f":{one.pid}")]
        held.kill()
        killed = time.monotonic()
        while (connection.execute(holder).fetchone() or ("", epoch))[1] <= epoch:
            assert time.monotonic() - killed < 2, "nobody has taken it over"
            await asyncio.sleep(0.05)


async def test_with_every_projector_stopped_orders_are_readable_and_run_to_confirmed(divided: Engine):
    stopped = role(divided.pid, "projector")
    assert stopped
    for one in stopped:
        one.kill(signal.SIGSTOP)
    try:
        async with divided.client() as client:
            order_id = await submit(client)
            assert (await client.get(f"/api/orders/{order_id}")).status_code == 200
            assert [message["status"] for message in await divided.watch(order_id)] == STORY
    finally:
        for one in stopped:
            one.kill(signal.SIGCONT)


async def test_events_can_not_be_changed_by_anyone(engine: Engine):
    addresses = engine.addresses()
    async with engine.client() as client:
        await ended(client, [await submit(client)])
    for name, refusal in (
        ("DATABASE_URL", "permission denied"),
        ("DATABASE_OWNER_URL", "what happened is never changed"),
    ):
        with psycopg.connect(addresses[name].split("?")[0], autocommit=True) as connection:
            for statement in (
                "update surefill.events set topic = 'x'",
                "delete from surefill.events",
                "truncate surefill.events",
            ):
                with pytest.raises(psycopg.Error, match=refusal):
                    connection.execute(statement)


async def test_kill_9_of_the_supervisor_leaves_no_process_and_the_next_start_goes_on(own_engine: Engine):
    own_engine.start()
    async with own_engine.client() as client:
        ids = await asyncio.gather(*(submit(client) for _ in range(20)))
    below = {one.pid for one in descendants(own_engine.pid)}
    own_engine.stop(signal.SIGKILL)
    await gone(below)
    own_engine.start()
    async with own_engine.client() as client:
        orders = await ended(client, list(ids))
    assert {order["status"] for order in orders.values()} == {"confirmed"}
    children = {one.pid for one in descendants(own_engine.pid)}
    assert own_engine.stop() == 0
    await gone(children)


async def test_postgresql_and_valkey_lost_while_running_lose_nothing(own_engine: Engine):
    own_engine.start()
    async with own_engine.client() as client:
        ids = list(await asyncio.gather(*(submit(client) for _ in range(10))))
        for name in ("bin/postgres", "valkey-server"):
            below = descendants(own_engine.pid)
            [server] = [one for one in below if name in one.command and one.parent == own_engine.pid]
            server.kill()
            await asyncio.sleep(0.3)
            for _ in range(10):
                answer = await client.post("/api/orders/execute", json=body(amountIn="0.1"))
                assert answer.status_code in (202, 503), answer.text
                if answer.status_code == 202:
                    ids.append(answer.json()["orderId"])
                else:
                    assert answer.json()["code"] in ("log_unavailable", "outcome_unknown")
        orders = await ended(client, ids, within=90)
    assert {order["status"] for order in orders.values()} == {"confirmed"}


async def test_a_request_in_flight_is_answered_when_the_engine_is_stopped(own_engine: Engine):
    own_engine.start()
    async with own_engine.client() as client:
        # It waits five seconds for a position that never comes: 1.6 of them after the signal.
        waiting = asyncio.create_task(client.get("/api/orders?position=999999999"))
        await asyncio.sleep(3.4)
        begun = time.monotonic()
        assert own_engine.process is not None
        own_engine.process.send_signal(signal.SIGTERM)
        answer = await waiting
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query")
        assert time.monotonic() - begun > 1.3
    assert await asyncio.to_thread(own_engine.process.wait, 10) == 0
    assert time.monotonic() - begun < 10
