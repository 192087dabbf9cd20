"""What clients are told before the wallet's history was compared with the log, as at each start."""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import UUID

import pytest

from api import comparison_patience
from api.orders import cancel
from tests.integration.api.serving import BODY, Engine
from tests.integration.api.test_account_limits import LIMIT as WORTH_100
from tests.integration.api.test_account_limits import limit, used
from tests.integration.api.test_order_lists import live

LIMIT = {"type": "limit", "limitPrice": "900"}


class Comparison:
    """One that comes when it is told to."""

    def __init__(self, head: int) -> None:
        self.head, self.done = head, False

    async def of(self, account_id: UUID) -> bool:
        return self.done


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison_patience, "PATIENCE_S", 0.2)


async def test_a_cancel_waits_for_the_comparison(engine: Engine) -> None:
    """It takes some blocks at each start: a client who has just seen the engine come back needn't know."""
    order_id, other = [(await engine.submit(**LIMIT))["orderId"] for _ in range(2)]
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
    assert {"orderId": other, "outcome": "cancelled", "status": "cancelled"} in every.json()["items"]


async def test_an_amendment_waits_for_it_too(engine: Engine) -> None:
    path = f"/api/orders/{(await engine.submit(**LIMIT))['orderId']}"
    engine.trading.compared = comparison = Comparison(await engine.events.head())
    asked = asyncio.create_task(engine.http.patch(path, json={"limitPrice": "950"}, headers={"If-Match": '"1"'}))
    await asyncio.sleep(0.5)
    assert not asked.done() and await engine.events.head() == comparison.head
    comparison.done = True
    answer = await asked
    assert (answer.status_code, answer.json()["limitPrice"]) == (200, "950")


@pytest.mark.usefixtures("impatient")
async def test_an_amendment_that_waits_too_long_is_refused_and_takes_nothing_of_the_limits(engine: Engine) -> None:
    await limit(engine, maxDailyNotional="100000")
    path = f"/api/orders/{(await engine.submit(**WORTH_100))['orderId']}"
    engine.trading.compared = comparison = Comparison(await engine.events.head())
    ask = partial(engine.http.patch, path, json={"amountIn": "200"}, headers={"If-Match": '"1"'})
    before = await used(engine)
    refused = await ask()
    assert (refused.status_code, refused.json()["code"]) == (503, "history_not_compared")
    assert refused.json()["retryable"] and int(refused.headers["retry-after"]) > 0
    assert await engine.events.head() == comparison.head
    assert await used(engine) == before
    # One that was taken since, under an id that nobody had before, can't have been executed.
    fresh = await engine.submit(**WORTH_100)
    amended = await engine.http.patch(
        f"/api/orders/{fresh['orderId']}", json={"limitPrice": "95"}, headers={"If-Match": '"1"'}
    )
    assert amended.status_code == 200
    comparison.done = True
    assert (await ask()).status_code == 200


@pytest.mark.usefixtures("impatient")
async def test_a_halt_that_is_to_cancel_what_is_live_says_what_it_could_not(engine: Engine) -> None:
    """It stands, and cancels whatever it can; asked again it goes on."""
    legs = [BODY, {**BODY, **LIMIT}]
    linked = (await engine.http.post("/api/order-lists", json={"kind": "oco", "legs": legs})).json()["orderIds"][0]
    alone = (await engine.submit())["orderId"]
    for order_id in (linked, alone):
        await live(engine, order_id)
    engine.project()
    engine.trading.compared = comparison = Comparison(await engine.events.head())
    halt = {"scope": "engine", "state": "halted", "because": "the test", "cancelLive": True}
    early = await engine.http.put("/api/admin/trading-state", json=halt)
    assert (early.status_code, early.json()["code"]) == (503, "history_not_compared")
    assert early.json()["detail"].startswith("The state is set") and early.headers["retry-after"] == "1"
    assert (await engine.http.post("/api/orders/execute", json=BODY)).json()["code"] == "trading_halted"
    shown = [(await engine.http.get(f"/api/orders/{one}")).json() for one in (linked, alone)]
    assert ["cancellation" in one for one in shown] == [False, True]
    comparison.done = True
    again = await engine.http.put("/api/admin/trading-state", json=halt)
    assert (again.status_code, again.json()["cancelling"]) == (200, 2)


async def test_however_many_are_cancelled_they_wait_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison_patience, "PATIENCE_S", 1.0)
    monkeypatch.setattr(cancel, "AT_ONCE", 1)
    orders = [(await engine.submit(**LIMIT))["orderId"] for _ in range(4)]
    engine.trading.compared = Comparison(await engine.events.head())
    async with asyncio.timeout(3):
        items = (await engine.http.post("/api/orders/cancel", json={"all": True})).json()["items"]
    assert [one["orderId"] for one in items] == orders
    assert {one["problem"]["code"] for one in items} == {"history_not_compared"}


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
    # What it has left open after a kill waits as well.
    comparison.done = False
    engine.trading.compared = later = Comparison(await engine.events.head())
    again = asyncio.create_task(engine.http.post(paths[-1]))
    await asyncio.sleep(0.1)
    later.done = True
    assert (await again).status_code == 202
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
