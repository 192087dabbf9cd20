"""Whoever knows only how an order is posted and followed, and holds one key, trades as its account."""

from __future__ import annotations

import json
from typing import Any

import httpx2
from websockets.sync.client import connect

from tests.e2e.engine import STORY, Engine

ORDER = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": 0.5, "orderType": "market", "slippage": 0.01}


class Client:
    """Two endpoints and a key: nothing else of the API is known here."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}

    def execute(self, order: dict[str, Any]) -> dict[str, Any]:
        answer = httpx2.post(f"{self._url}/api/orders/execute", json=order, headers=self._headers, timeout=30)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def statuses(self, order_id: str) -> list[dict[str, Any]]:
        with connect(
            f"{self._url.replace('http', 'ws')}/ws/orders/{order_id}", additional_headers=self._headers
        ) as stream:
            return [json.loads(message) for message in stream]


def answered(engine: Engine, *command: str) -> dict[str, Any]:
    done = engine.run(*command, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def key_of(engine: Engine, account: str) -> str:
    return str(answered(engine, "keys", "create", "--account", account, "--scope", "trade", "--scope", "read")["key"])


def test_a_client_of_two_endpoints_with_one_key_works_unchanged(own_engine: Engine) -> None:
    own_engine.start(within=300)
    wallet = answered(own_engine, "accounts", "create", "desk")["wallet"]
    desk, default = (Client(own_engine.url, key_of(own_engine, account)) for account in ("desk", "default"))
    # An account of its own, and the one that clients without a key have.
    for client, order in ((desk, ORDER), (default, {**ORDER, "clientOrderId": "once"})):
        accepted = client.execute(order)
        messages = client.statuses(accepted["orderId"])
        assert [message["status"] for message in messages] == STORY
        assert client.statuses(accepted["orderId"]) == messages
        if "clientOrderId" in order:
            assert client.execute(order) == accepted
    assert own_engine.run("verify", within=120).returncode == 0
    # What the account's orders swapped was swapped with its own wallet.
    order = desk.execute({**ORDER, "clientOrderId": "second"})
    swapped = desk.statuses(order["orderId"])[-1]["txHash"]
    asked = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "getSignaturesForAddress",
        "params": [wallet, {"commitment": "confirmed"}],
    }
    signed = httpx2.post(own_engine.addresses()["SOLANA_RPC_URL"], json=asked, timeout=30).json()["result"]
    assert swapped in {one["signature"] for one in signed}
