"""Cancels as clients meet them: what became of each order is said as it is."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import commands as c
from domain.codes import Code
from domain.order import Order
from tests.integration.api.serving import BODY, Engine
from tests.unit.domain.scenario import NOW, build, landing, quote, quoted

LIMIT = {"type": "limit", "limitPrice": "500"}
MANY = "/api/orders/cancel"


async def cancel(engine: Engine, order_id: str) -> tuple[int, dict[str, Any]]:
    answer = await engine.http.post(f"/api/orders/{order_id}/cancel")
    return answer.status_code, answer.json()


async def many(engine: Engine, **asked: Any) -> tuple[int, Any]:
    answer = await engine.http.post(MANY, json=asked)
    return answer.status_code, answer.json().get("items", answer.json().get("code"))


async def order(engine: Engine, order_id: str) -> Order:
    found = (await engine.orders.load([UUID(order_id)])).orders[UUID(order_id)].order
    assert found is not None
    return found


async def live(engine: Engine) -> str:
    """An order whose swap may land."""
    order_id: str = (await engine.submit())["orderId"]
    sent = c.RecordSent(1, "signature-1", "accepted")
    await engine.tell(order_id, quoted(quote(out=224_000_000), now=NOW), build(), sent)
    return order_id


async def test_what_waits_is_cancelled_at_once_and_the_answer_repeats(engine: Engine) -> None:
    order_id = (await engine.submit(**LIMIT))["orderId"]
    expected = {"orderId": order_id, "outcome": "cancelled", "status": "cancelled"}
    assert await cancel(engine, order_id) == (202, expected)
    head = await engine.events.head()
    assert await cancel(engine, order_id) == (202, expected)
    assert await engine.events.head() == head
    shown = (await engine.http.get(f"/api/orders/{order_id}")).json()
    assert shown["status"] == "cancelled" and shown["cancellation"]["code"] == "cancelled"
    assert (await order(engine, order_id)).cancellation.by == "default"  # type: ignore[union-attr]


async def test_what_may_land_is_pending_once_and_the_chain_says_the_rest(engine: Engine) -> None:
    order_id = await live(engine)
    pending = {"orderId": order_id, "outcome": "pending", "status": "submitted"}
    assert await cancel(engine, order_id) == (202, pending)
    head = await engine.events.head()
    assert await cancel(engine, order_id) == (202, pending)
    assert await engine.events.head() == head
    await engine.tell(order_id, landing(1))
    assert await cancel(engine, order_id) == (202, {**pending, "outcome": "tooLate", "status": "confirmed"})


async def test_what_failed_is_too_late(engine: Engine) -> None:
    order_id = (await engine.submit())["orderId"]
    await engine.tell(order_id, c.DiscardOrder(Code.DISCARDED))
    assert await cancel(engine, order_id) == (202, {"orderId": order_id, "outcome": "tooLate", "status": "failed"})


async def test_it_works_while_trading_is_halted(engine: Engine) -> None:
    order_id = (await engine.submit(**LIMIT))["orderId"]
    halt = {"scope": "engine", "state": "halted", "because": "the test"}
    assert (await engine.http.put("/api/admin/trading-state", json=halt)).status_code == 200
    assert (await cancel(engine, order_id))[1]["outcome"] == "cancelled"


async def test_many_are_cancelled_by_their_ids_each_for_itself(engine: Engine) -> None:
    waiting = (await engine.submit(**LIMIT, clientOrderId="a-1"))["orderId"]
    unknown, may_land = str(uuid4()), await live(engine)
    status, items = await many(engine, ids=[may_land, unknown, "x", waiting, waiting])
    assert status == 207
    assert [item.get("outcome") or item["problem"]["code"] for item in items] == [
        *("pending", "order_not_found", "invalid_order_id", "cancelled", "cancelled"),
    ]
    assert [item.get("orderId") for item in items] == [may_land, unknown, "x", waiting, waiting]
    status, items = await many(engine, clientOrderIds=["a-1", "a-2", "a 3"])
    assert [item.get("outcome") or item["problem"]["code"] for item in items] == [
        *("cancelled", "order_not_found", "invalid_client_order_id"),
    ]
    assert (items[0]["clientOrderId"], items[0]["orderId"]) == ("a-1", waiting)


@pytest.mark.parametrize("projecting", [False, True])
async def test_all_and_a_pair_reach_whatever_was_taken_before(engine: Engine, projecting: bool) -> None:
    if projecting:
        engine.project()
    first = (await engine.submit(**LIMIT))["orderId"]
    bonk = (await engine.submit(**{**BODY, "tokenIn": "USDC", "tokenOut": "BONK"}, type="limit", limitPrice="0.1"))[
        "orderId"
    ]
    ended = (await engine.submit(**LIMIT))["orderId"]
    await cancel(engine, ended)
    second = await live(engine)
    status, items = await many(engine, pair="SOL/USDC")
    assert status == 207
    assert {item["orderId"]: item["outcome"] for item in items} == {first: "cancelled", second: "pending"}
    assert (await order(engine, bonk)).status == "pending"
    status, items = await many(engine, all=True)
    assert {item["orderId"]: item["outcome"] for item in items} == {bonk: "cancelled", second: "pending"}
    assert await many(engine, pair="USDC-BONK") == (207, [])


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "missing_field"), ({"ids": None}, "missing_field"), ({"all": False}, "invalid_field"),
        ({"all": 1}, "invalid_field"), ({"ids": ["a"], "all": True}, "conflicting_fields"),
        ({"ids": []}, "batch_size"), ({"ids": "a"}, "batch_size"), ({"clientOrderIds": ["a"] * 101}, "batch_size"),
        ({"pair": "SOL/DOGE"}, "unknown_pair"), ({"pair": 7}, "invalid_field"),
        ({"pairs": "SOL/USDC"}, "unknown_field"), ({"ids": ["a", 7]}, "invalid_field"),
        ({"clientOrderIds": [None]}, "invalid_field"), ({"ids": [{}]}, "invalid_field"),
    ],
)  # fmt: skip
async def test_an_odd_request_cancels_nothing(engine: Engine, asked: dict[str, Any], code: str) -> None:
    await engine.submit(**LIMIT)
    head = await engine.events.head()
    status, found = await many(engine, **asked)
    assert (status in (404, 422), found) == (True, code)
    assert await engine.events.head() == head


async def test_every_answer_with_an_order_names_its_version(engine: Engine) -> None:
    order_id = (await engine.submit(**LIMIT, clientOrderId="a-1"))["orderId"]
    cancelled = await engine.http.post(f"/api/orders/{order_id}/cancel")
    assert cancelled.headers["etag"] == '"3"'
    for path in (f"/api/orders/{order_id}", "/api/orders/by-client-id/a-1"):
        answer = await engine.http.get(path)
        assert answer.headers["etag"] == f'"{answer.json()["version"]}"' == '"3"'
    before = await engine.http.get(f"/api/orders/{order_id}", params={"version": 1})
    assert before.headers["etag"] == '"1"'
    ended = {**BODY, **LIMIT, "clientOrderId": "a-1"}
    taken = await engine.http.post("/api/orders", json=ended)
    assert (taken.status_code, taken.headers["etag"]) == (202, '"1"')
    waited = await engine.http.post("/api/orders", json=ended, headers={"Prefer": "wait=1"})
    assert (waited.status_code, waited.headers["etag"]) == (200, '"3"')
