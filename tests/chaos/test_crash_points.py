"""The matrix: a process dies between any two effects, and every order is still executed once.

A market order, a limit order whose price is there and a stop-limit order whose stop and limit are, through each point.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address

from domain.tokens import SOL
from tests.chaos.processes import ProcessHarness
from tests.e2e.engine import ended, story

AMOUNT = Decimal("0.05")
EDGES = ("before", "after")
ROLES_POINTS = [
    *(("api", f"{point}:{edge}") for point in ("append:OrderSubmitted", "enqueue") for edge in EDGES),
    *(("worker", f"append:{name}:{edge}") for name in ("OrderRouted", "TransactionBuilt") for edge in EDGES),
    *(("worker", f"send:{edge}") for edge in EDGES),
    *(("worker", f"append:TransactionSubmitted:{edge}") for edge in EDGES),
    *(("worker", f"ack:{edge}") for edge in EDGES),
    *(("tracker", f"landing:{edge}") for edge in EDGES),
    *(("tracker", f"append:OrderConfirmed:{edge}") for edge in EDGES),
    *(("tracker", f"send:{edge}") for edge in EDGES),
    *(("tracker", f"append:TransactionSubmitted:{edge}") for edge in EDGES),
    *(("watcher", f"append:{name}:{edge}") for name in ("StopTriggered", "OrderTriggered") for edge in EDGES),
    *(("watcher", f"enqueue:{edge}") for edge in EDGES),
    *(("projector", f"commit:projector:{edge}") for edge in EDGES),
    ("projector", "inside:projector:after"),
    *(("projector", f"enqueue:{edge}") for edge in EDGES),
]
# What the tracker or the sweeper does only where another process died has no point of its own here.
CORE_POINTS = [
    *(
        f"append:{name}:{edge}"
        for name in ("OrderSubmitted", "StopTriggered", "TransactionBuilt", "TransactionSubmitted", "OrderConfirmed")
        for edge in EDGES
    ),
    *(f"{point}:{edge}" for point in ("enqueue", "ack", "send", "landing", "commit:projector") for edge in EDGES),
    "inside:projector:after",
]


def orders() -> list[dict[str, Any]]:
    terms = {"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": str(AMOUNT), "slippageBps": 300}
    waiting = {**terms, "limitPrice": "100"}
    kinds: list[dict[str, Any]] = [
        {**terms, "type": "market"},
        {**waiting, "type": "limit"},
        {**waiting, "type": "stop-limit", "stopPrice": "1000"},
    ]
    return [{**kind, "clientOrderId": secrets.token_hex(8)} for kind in kinds]


async def held(processes: ProcessHarness) -> Decimal:
    """The wallet's wrapped SOL."""
    account = get_associated_token_address(Pubkey.from_string(processes.node.wallet), Pubkey.from_string(SOL.mint))
    balance = await processes.node.truth("getTokenAccountBalance", str(account), {"commitment": "confirmed"})
    return Decimal(balance["value"]["amount"]) / 10**9


@pytest.mark.parametrize(("role", "point"), ROLES_POINTS, ids=str)
async def test_every_order_is_executed_once_though(processes: ProcessHarness, role: str, point: str):
    # The tracker sends only what no visit has sent, the sweeper hands over only what nobody has visited: then the
    # worker dies on its way there as well.
    if role == "tracker" and point.startswith(("send", "append:TransactionSubmitted")):
        await executed_once(processes, role, point, worker_dies_at="send:before")
    elif role == "projector" and point.startswith("enqueue"):
        await executed_once(processes, role, point, worker_dies_at="append:TransactionBuilt:before")
    else:
        await executed_once(processes, role, point)


@pytest.mark.parametrize("point", CORE_POINTS)
async def test_every_order_is_executed_once_though_the_only_process_dies_at(core: ProcessHarness, point: str):
    await executed_once(core, "core", point)


async def executed_once(processes: ProcessHarness, role: str, point: str, *, worker_dies_at: str | None = None) -> None:
    async with httpx2.AsyncClient(base_url=processes.url, timeout=30, trust_env=False) as client:
        before = await held(processes)
        if worker_dies_at:
            processes.play("worker", crash_at=worker_dies_at)
        doomed = processes.play(role, crash_at=point)
        ids = [await processes.submit(client, terms) for terms in orders()]
        # A point that is never reached proves nothing.
        assert await asyncio.to_thread(doomed.wait, 20) == -signal.SIGKILL, processes.log(role)
        processes.play(role)
        if worker_dies_at:
            processes.play("worker")
        found = await ended(client, ids, within=40)
        stories = [await story(client, order_id) for order_id in ids]
    assert {one["status"] for one in found.values()} == {"confirmed"}
    for events in stories:
        types = [event["type"] for event in events]
        assert types.count("OrderConfirmed") == types.count("OrderSubmitted") == 1
    assert before - await held(processes) == AMOUNT * len(ids)
