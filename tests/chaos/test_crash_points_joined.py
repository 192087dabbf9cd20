"""The matrix for orders with several transactions: a process dies around a swap that joins others, a cancel, a request
for a visit; every order still ends once, as the chain has it.

The node drops every transaction until the process is dead, so that each order gets another swap, and past its deadline
its cancel.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests.chaos.conftest import playing
from tests.chaos.processes import CORE, ROLES, ProcessHarness
from tests.chaos.verdict import landed
from tests.e2e.engine import ended, story
from tests.integration.embedded import EmbeddedPostgres, EmbeddedValkey

EDGES = ("before", "after")
# A swap joins after REPLACE_AFTER, a cancel after the deadline: late enough for a slow machine to get its first swap
# down, and before the last of three swaps, 1.5 s later, is past its 150 blocks of 40 ms and finally so.
SETTINGS = {"REPLACE_AFTER": "0.5", "MARKET_ORDER_DEADLINE": "8"}
BY_WORKER = [
    f"append:{name}:{edge}"
    for name in ("TransactionBuilt[joined]", "CancelRequested", "TransactionBuilt[cancel]")
    for edge in EDGES
]
BY_TRACKER = [f"{point}:{edge}" for point in ("visit", "enqueue", "append:AttemptExpired") for edge in EDGES]
ROLES_POINTS = [*(("worker", point) for point in BY_WORKER), *(("tracker", point) for point in BY_TRACKER)]
CORE_POINTS = [*BY_WORKER, *(f"visit:{edge}" for edge in EDGES), "append:AttemptExpired:after"]


@pytest.fixture(scope="module")
def processes(postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> Iterator[ProcessHarness]:
    with playing(postgres, valkey, ROLES, **SETTINGS) as processes:
        asyncio.run(canary_is_made(processes))
        yield processes


@pytest.fixture(scope="module")
def core(postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> Iterator[ProcessHarness]:
    with playing(postgres, valkey, CORE, **SETTINGS) as processes:
        asyncio.run(canary_is_made(processes))
        yield processes


async def canary_is_made(processes: ProcessHarness) -> None:
    """Return once an order was executed: before the canary is on chain nothing is signed."""
    async with httpx2.AsyncClient(base_url=processes.url, timeout=30, trust_env=False) as client:
        while True:
            order_id = await processes.submit(client, market_order())
            if (await ended(client, [order_id]))[order_id]["status"] == "confirmed":
                return


@pytest.mark.parametrize(("role", "point"), ROLES_POINTS, ids=str)
async def test_every_order_ends_once_though(processes: ProcessHarness, role: str, point: str):
    await ends_once(processes, role, point)


@pytest.mark.parametrize("point", CORE_POINTS)
async def test_every_order_ends_once_though_the_only_process_dies_at(core: ProcessHarness, point: str):
    await ends_once(core, "core", point)


def market_order() -> dict[str, Any]:
    terms = {"type": "market", "tokenIn": "SOL", "tokenOut": "USDC", "amountIn": "0.05", "slippageBps": 300}
    return {**terms, "clientOrderId": secrets.token_hex(8)}


async def ends_once(processes: ProcessHarness, role: str, point: str) -> None:
    node = processes.node
    async with httpx2.AsyncClient(base_url=processes.url, timeout=30, trust_env=False) as client:
        dropped = await node.fault("drop")
        try:
            doomed = processes.play(role, crash_at=point)
            # Else its start takes as long as the orders have.
            await asyncio.to_thread(processes.connected, role)
            ids = [await processes.submit(client, market_order()) for _ in range(2)]
            # A point that is never reached proves nothing.
            assert await asyncio.to_thread(doomed.wait, 60) == -signal.SIGKILL, processes.log(role)
        finally:
            await node.clear(dropped)
            processes.play(role)
        found = await ended(client, ids, within=90)
        chain = await finalized(processes, ids)
        stories = {order_id: await settled(client, order_id) for order_id in ids}
    for order_id in ids:
        succeeded = [one for one in chain[UUID(order_id)] if one["err"] is None]
        assert [one["signature"] for one in succeeded] == signatures_of_its_end(found[order_id])
        assert [one["memo"].endswith(":cancel") for one in succeeded] in (
            [],
            [found[order_id]["status"] != "confirmed"],
        )
        assert len({one["data"]["guard"] for one in stories[order_id] if one["type"] == "TransactionBuilt"}) == 1


async def finalized(processes: ProcessHarness, order_ids: list[str]) -> dict[UUID, list[dict[str, Any]]]:
    """What is on chain of the orders, once whatever was sent for them has landed or never will."""
    await processes.node.blocks(200)
    return await landed(processes.node)


async def settled(client: httpx2.AsyncClient, order_id: str) -> list[dict[str, Any]]:
    """Its events, once the log says what became of all that was signed for it: who left some over would reach the next
    test's point with it, before that one's orders have a transaction.
    """
    async with asyncio.timeout(60):
        while True:
            events = await story(client, order_id)
            built = {one["data"]["attempt"] for one in events if one["type"] == "TransactionBuilt"}
            lost = {one["data"]["attempt"] for one in events if one["type"] in ("AttemptExpired", "AttemptRejected")}
            if len(built - lost) <= 1:
                return events
            await asyncio.sleep(0.2)


def signatures_of_its_end(order: dict[str, Any]) -> list[str]:
    """Of the swap or the cancel on chain that the order ended by; none where all that was sent expired."""
    if order["status"] == "confirmed":
        return [order["txHash"]]
    return [order["cancellation"]["txHash"]] if "txHash" in order.get("cancellation", {}) else []
