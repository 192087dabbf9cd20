"""The matrix: a role dies between any two effects, and every order is still executed once.

A market order, a limit order whose price is there and a stop-limit order whose stop and limit are, through each point.
"""

from __future__ import annotations

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
POINTS = [
    *(("api", f"append:OrderSubmitted:{edge}") for edge in EDGES),
    *(("relay", f"commit:relay:{edge}") for edge in EDGES),
    ("relay", "inside:relay:after"),
    *(("relay", f"enqueue:{stage}:{edge}") for stage in ("route", "build", "submit") for edge in EDGES),
    *(("worker", f"append:{name}:{edge}") for name in ("OrderRouted", "TransactionBuilt") for edge in EDGES),
    *(("worker", f"send:{edge}") for edge in EDGES),
    *(("worker", f"append:TransactionSubmitted:{edge}") for edge in EDGES),
    *(("worker", f"ack:{edge}") for edge in EDGES),
    *(("tracker", f"landing:{edge}") for edge in EDGES),
    *(("tracker", f"append:OrderConfirmed:{edge}") for edge in EDGES),
    *(("tracker", f"send:{edge}") for edge in EDGES),
    *(("tracker", f"append:TransactionSubmitted:{edge}") for edge in EDGES),
    *(("watcher", f"append:{name}:{edge}") for name in ("StopTriggered", "OrderTriggered") for edge in EDGES),
    *(("projector", f"commit:projector:{edge}") for edge in EDGES),
    ("projector", "inside:projector:after"),
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


@pytest.mark.parametrize(("role", "point"), POINTS, ids=str)
async def test_every_order_is_executed_once_though(processes: ProcessHarness, role: str, point: str):
    async with httpx2.AsyncClient(base_url=processes.url, timeout=30, trust_env=False) as client:
        before = await held(processes)
        # The tracker sends only what no actor has sent: then the worker dies at its own send as well.
        tracker_sends = role == "tracker" and point.startswith(("send", "append:TransactionSubmitted"))
        if tracker_sends:
            processes.play("worker", crash_at="send:before")
        doomed = processes.play(role, crash_at=point)
        ids = [await processes.submit(client, terms) for terms in orders()]
        # A point that is never reached proves nothing.
        assert doomed.wait(20) == -signal.SIGKILL, processes.log(role)
        processes.play(role)
        if tracker_sends:
            processes.play("worker")
        found = await ended(client, ids, within=40)
        stories = [await story(client, order_id) for order_id in ids]
    assert {one["status"] for one in found.values()} == {"confirmed"}
    for events in stories:
        types = [event["type"] for event in events]
        assert types.count("OrderConfirmed") == types.count("OrderSubmitted") == 1
    assert before - await held(processes) == AMOUNT * len(ids)
