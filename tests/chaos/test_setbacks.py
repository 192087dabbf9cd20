"""The matrix, for what goes wrong: a role dies around the record of a setback, and the order still ends right, once."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx2
import psycopg
import pytest

from domain.account import ContradictionFound
from tests.chaos.conftest import playing
from tests.chaos.processes import ROLES, ProcessHarness
from tests.chaos.test_crash_points import EDGES, held
from tests.e2e.engine import SUREFILL, ended, story
from tests.integration.embedded import EmbeddedPostgres, EmbeddedValkey

PAST_ITS_LIFE = 200  # blocks
AMOUNT = Decimal("0.05")


@pytest.fixture(scope="module")
def processes(postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> Iterator[ProcessHarness]:
    """An attempt is alone here, however slow the machine is: those that join it have a matrix of their own."""
    with playing(postgres, valkey, ROLES, REPLACE_AFTER="60") as processes:
        yield processes


def terms(**changes: str | int) -> dict[str, Any]:
    plain = {"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": str(AMOUNT), "slippageBps": 100}
    return {**plain, "clientOrderId": secrets.token_hex(8), **changes}


def kinds(**changes: str | int) -> list[dict[str, Any]]:
    """A market order, a limit order and a stop-limit order that are met at once."""
    return [
        terms(type="market", **changes),
        terms(type="limit", limitPrice="100", **changes),
        terms(type="stop-limit", limitPrice="100", stopPrice="1000", **changes),
    ]


async def dies(processes: ProcessHarness, doomed: Any, role: str) -> None:
    """A point that is never reached proves nothing."""
    assert doomed.wait(30) == -signal.SIGKILL, processes.log(role)
    processes.play(role)


async def types(client: httpx2.AsyncClient, order_id: str) -> list[str]:
    return [event["type"] for event in await story(client, order_id)]


@pytest.mark.parametrize("edge", EDGES)
async def test_an_expiry_is_recorded_once_and_the_order_tried_again(processes: ProcessHarness, edge: str):
    async with httpx2.AsyncClient(base_url=processes.url, timeout=30, trust_env=False) as client:
        before = await held(processes)
        doomed = processes.play("tracker", crash_at=f"append:AttemptExpired:{edge}")
        await processes.node.fault("drop")
        ids = [await processes.submit(client, one) for one in kinds()]
        await dies(processes, doomed, "tracker")
        await processes.node.clear()
        found = await ended(client, ids, within=60)
        stories = [await types(client, order_id) for order_id in ids]
    assert {one["status"] for one in found.values()} == {"confirmed"}
    for told in stories:
        assert told.count("AttemptExpired") == told.count("TransactionBuilt") - 1 >= 1
        assert told.count("OrderConfirmed") == 1
    assert before - await held(processes) == AMOUNT * len(ids)


@pytest.mark.parametrize("edge", EDGES)
async def test_a_failure_on_chain_is_recorded_once_and_the_order_tried_again(processes: ProcessHarness, edge: str):
    async with httpx2.AsyncClient(base_url=processes.url, timeout=30, trust_env=False) as client:
        processes.move("150")
        before = await held(processes)
        doomed = processes.play("tracker", crash_at=f"append:AttemptRejected:{edge}")
        # They are on their way to the chain while the price falls past their slippage.
        await processes.node.fault("delay", blocks=120)
        ids = [await processes.submit(client, one) for one in kinds()]
        await _sent(client, ids)
        processes.move("140")
        await processes.node.clear()
        await dies(processes, doomed, "tracker")
        processes.move("150")
        found = await ended(client, ids, within=60)
        stories = [await types(client, order_id) for order_id in ids]
    assert {one["status"] for one in found.values()} == {"confirmed"}
    for told in stories:
        assert told.count("AttemptRejected") == told.count("TransactionBuilt") - 1 >= 1
        assert told.count("OrderConfirmed") == 1
    assert before - await held(processes) == AMOUNT * len(ids)


@pytest.mark.parametrize("edge", EDGES)
async def test_a_final_refusal_fails_the_order_once(processes: ProcessHarness, edge: str):
    async with httpx2.AsyncClient(base_url=processes.url, timeout=30, trust_env=False) as client:
        before = await held(processes)
        doomed = processes.play("worker", crash_at=f"append:BuildRejected:{edge}")
        ids = [await processes.submit(client, one) for one in kinds(amountIn="11000", slippageBps=9000)]
        await dies(processes, doomed, "worker")
        found = await ended(client, ids, within=30)
        stories = [await types(client, order_id) for order_id in ids]
    assert {one["failure"]["code"] for one in found.values()} == {"insufficient_funds"}
    for told in stories:
        assert (told.count("BuildRejected"), told.count("OrderFailed"), told.count("TransactionBuilt")) == (1, 1, 0)
    assert await held(processes) == before


@pytest.mark.parametrize("edge", EDGES)
async def test_an_order_whose_quotes_fall_short_rests_once(processes: ProcessHarness, edge: str):
    async with httpx2.AsyncClient(base_url=processes.url, timeout=30, trust_env=False) as client:
        processes.move("150")
        doomed = processes.play("worker", crash_at=f"append:OrderRested:{edge}")
        large = terms(type="limit", limitPrice="149.4", amountIn="9000")
        order_id = await processes.submit(client, large)
        await dies(processes, doomed, "worker")
        before = await held(processes)
        async with asyncio.timeout(30):
            while "OrderRested" not in await types(client, order_id):
                await asyncio.sleep(0.1)
        # Another order shows that the engine has come past it.
        await ended(client, [await processes.submit(client, terms(type="market"))], within=30)
        told = await types(client, order_id)
    assert told == ["OrderSubmitted", "OrderTriggered", "OrderRested"]
    assert before - await held(processes) == AMOUNT


@pytest.mark.parametrize("edge", EDGES)
async def test_a_confirmed_swap_that_a_fork_loses_halts_the_account_once(processes: ProcessHarness, edge: str):
    node = processes.node
    async with httpx2.AsyncClient(base_url=processes.url, timeout=30, trust_env=False) as client:
        doomed = processes.play("tracker", crash_at=f"append:ContradictionFound:{edge}")
        # Who has ended an order has held the wallet's history against the log, which takes some blocks.
        await ended(client, [await processes.submit(client, terms(type="market"))], within=30)
        # Block by block, so that it isn't final before the fork.
        await node.fault("stall")
        order_id = await processes.submit(client, terms(type="market"))
        await _sent(client, [order_id])
        await node.blocks(3)
        await ended(client, [order_id], within=30)
        await node.fault("drop")
        lost = (await story(client, order_id))[-1]["data"]["slot"]
        slot = await node.truth("getSlot", {"commitment": "processed"})
        await node.fork(slot - lost + 1, confirmed=True)
        await node.blocks(PAST_ITS_LIFE)
        await dies(processes, doomed, "tracker")
        resume = [str(SUREFILL), "resume", "--because", "a test has looked"]
        async with asyncio.timeout(30):
            while await (await asyncio.create_subprocess_exec(*resume, env=processes.environment)).wait():
                await node.blocks(10)  # the tracker that comes after the doomed one holds the history against the log
                await asyncio.sleep(0.2)
        await node.clear()
        found = await ended(client, [await processes.submit(client, terms(type="market"))], within=30)
    assert {one["status"] for one in found.values()} == {"confirmed"}
    with psycopg.connect(processes.database_url) as connection:
        noted = connection.execute(
            "select state from events where topic = %s and convert_from(state, 'UTF8') like %s",
            [ContradictionFound.TOPIC, f"%{order_id}%"],
        ).fetchall()
    assert len(noted) == 1


async def _sent(client: httpx2.AsyncClient, ids: list[str]) -> None:
    waiting = set(ids)
    while waiting:
        for order_id in list(waiting):
            if (await client.get(f"/api/orders/{order_id}")).json()["status"] == "submitted":
                waiting.discard(order_id)
        await asyncio.sleep(0.05)
