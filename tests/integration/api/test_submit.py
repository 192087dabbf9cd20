"""Orders over REST, on a real log."""

from __future__ import annotations

from tests.integration.api.serving import BODY, Engine


async def test_an_accepted_order_answers_202_with_the_contract_and_a_location(engine: Engine) -> None:
    answer = await engine.http.post("/api/orders/execute", json={**BODY, "clientOrderId": "a-1"})
    body = answer.json()
    order = f"/api/orders/{body['orderId']}"
    assert answer.status_code == 202
    assert answer.headers["location"] == order
    assert body == {
        "orderId": body["orderId"],
        "status": "pending",
        "pair": "SOL/USDC",
        "side": "sell",
        "position": "2",
        "network": "localnet",
        "links": {"order": order, "events": f"{order}/events", "stream": f"/ws/orders/{body['orderId']}"},
    }
    got = (await engine.http.get(order)).json()
    assert got.pop("submittedAt") == got.pop("updatedAt")
    assert got == {
        "orderId": body["orderId"],
        "clientOrderId": "a-1",
        "status": "routing",
        "version": 2,
        "type": "market",
        "pair": "SOL/USDC",
        "side": "sell",
        "tokenIn": "SOL",
        "tokenOut": "USDC",
        "amountIn": "1.5",
        "slippageBps": 50,
        "network": "localnet",
        "attempts": 0,
    }
