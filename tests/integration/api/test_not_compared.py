"""What clients are told before the wallet's history was compared with the log, as at each start."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from api.orders import once_compared
from tests.integration.api.serving import BODY, Engine

LIMIT = {"type": "limit", "limitPrice": "900"}


class Comparison:
    """One that comes when it is told to."""

    def __init__(self, head: int) -> None:
        self.head, self.done = head, False

    async def of(self, account_id: UUID) -> bool:
        return self.done


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once_compared, "PATIENCE_S", 0.2)


async def test_a_cancel_waits_for_the_comparison(engine: Engine) -> None:
    """It takes some blocks at each start: a client who has just seen the engine come back needn't know."""
    order_id = (await engine.submit(**LIMIT))["orderId"]
    engine.trading.compared = comparison = Comparison(await engine.events.head())
    asked = [
        asyncio.create_task(engine.http.post(f"/api/orders/{order_id}/cancel")),
        asyncio.create_task(engine.http.post("/api/orders/cancel", json={"all": True})),
    ]
    await asyncio.sleep(0.5)
    assert not any(one.done() for one in asked)
    assert await engine.events.head() == comparison.head
    comparison.done = True
    one, every = [(await task) for task in asked]
    assert (one.status_code, one.json()["outcome"]) == (202, "cancelled")
    assert {item["outcome"] for item in every.json()["items"]} == {"cancelled"}


@pytest.mark.usefixtures("impatient")
async def test_what_was_there_at_the_start_is_cancelled_once_the_history_was_compared(engine: Engine) -> None:
    order_id = (await engine.submit(**LIMIT))["orderId"]
    legs = [{**BODY, **LIMIT}, {**BODY, **LIMIT, "limitPrice": "950"}]
    linked = (await engine.http.post("/api/order-lists", json={"kind": "oco", "legs": legs})).json()["listId"]
    order = {**BODY, **LIMIT, "timeInForce": "gtc"}
    asked = {"kind": "twap", "clientListId": "t-1", "order": order, "slices": 2, "everyMs": 3_000}
    twap = (await engine.http.post("/api/order-lists", json=asked)).json()["listId"]
    engine.trading.compared = comparison = Comparison(await engine.events.head())
    paths = [f"/api/orders/{order_id}/cancel", *(f"/api/order-lists/{one}/cancel" for one in (linked, twap))]
    for path in paths:
        refused = await engine.http.post(path)
        assert (refused.status_code, refused.json()["code"]) == (503, "history_not_compared")
        assert refused.json()["retryable"] and int(refused.headers["retry-after"]) > 0
    items = (await engine.http.post("/api/orders/cancel", json={"ids": [order_id]})).json()["items"]
    assert [one["problem"]["code"] for one in items] == ["history_not_compared"]
    assert await engine.events.head() == comparison.head
    comparison.done = True
    for path in paths:
        assert (await engine.http.post(path)).status_code == 202
    assert (await engine.http.get(f"/api/orders/{order_id}")).json()["status"] == "cancelled"


@pytest.mark.usefixtures("impatient")
async def test_what_is_taken_since_is_cancelled_at_once_unless_the_lost_end_may_have_had_it(engine: Engine) -> None:
    """The same clientOrderId gives the same id, and that may have been executed before the log was put back."""
    engine.trading.compared = Comparison(await engine.events.head())
    fresh, again = await engine.submit(**LIMIT), await engine.submit(**LIMIT, clientOrderId="again")
    cancelled = await engine.http.post(f"/api/orders/{fresh['orderId']}/cancel")
    assert (cancelled.status_code, cancelled.json()["outcome"]) == (202, "cancelled")
    refused = await engine.http.post(f"/api/orders/{again['orderId']}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (503, "history_not_compared")
