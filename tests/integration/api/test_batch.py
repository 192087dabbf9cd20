"""Many orders in one request: each answered as it would have been alone."""

from __future__ import annotations

import json
from typing import Any

from tests.integration.api.serving import BODY, Engine
from tests.integration.api.test_submit import head


async def post(engine: Engine, *orders: Any) -> list[dict[str, Any]]:
    answer = await engine.http.post("/api/orders/batch", json={"orders": list(orders)})
    assert answer.status_code == 207, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    assert len(items) == len(orders)
    return items


async def test_each_order_is_answered_as_it_would_have_been_alone(engine: Engine) -> None:
    orders = [{**BODY, "clientOrderId": f"b-{number}"} for number in range(100)]
    items = await post(engine, *orders)
    assert {item["status"] for item in items} == {202}
    assert await head(engine) == 200
    for order, item in zip(orders[::33], items[::33], strict=True):
        alone = await engine.http.post("/api/orders/execute", json=order)
        assert (alone.status_code, alone.json()) == (202, item["order"])
    assert await post(engine, *orders) == items
    assert await head(engine) == 200


async def test_a_bad_order_fails_alone(engine: Engine) -> None:
    items = await post(
        engine,
        BODY,
        {**BODY, "amountIn": "-1"},
        {**BODY, "tokenIn": "NOPE"},
        {**BODY, "surprise": 1},
        ["no order"],
        {**BODY, "clientOrderId": "x-1"},
        {**BODY, "clientOrderId": "x-1", "amountIn": "2"},
    )
    assert [item["status"] for item in items] == [202, 422, 422, 422, 400, 202, 409]
    alone = await engine.http.post("/api/orders/execute", json={**BODY, "tokenIn": "NOPE"})
    assert items[2]["problem"] == alone.json()
    assert all(None not in item["problem"].values() for item in items if "problem" in item)
    assert items[6]["problem"]["code"] == "client_order_id_conflict"
    assert await head(engine) == 4


async def test_a_key_that_is_there_twice_is_that_orders_fault(engine: Engine) -> None:
    twice = '{"tokenIn":"SOL","tokenOut":"USDC","amountIn":"1","amountIn":"2"}'
    answer = await engine.http.post(
        "/api/orders/batch",
        content=f'{{"orders":[{twice},{json.dumps(BODY)}]}}',
        headers={"content-type": "application/json"},
    )
    items = answer.json()["items"]
    assert [item["status"] for item in items] == [400, 202]
    assert (items[0]["problem"]["code"], items[0]["problem"]["field"]) == ("duplicate_key", "amountIn")


async def test_two_alike_with_a_client_order_id_are_one_order_and_without_are_two(engine: Engine) -> None:
    same = {**BODY, "clientOrderId": "same"}
    first, second, third, fourth = await post(engine, same, same, BODY, BODY)
    assert first == second
    assert third["order"]["orderId"] != fourth["order"]["orderId"]
    assert await head(engine) == 6


async def test_a_batch_of_none_of_too_many_or_of_another_form_is_refused_whole(engine: Engine) -> None:
    refused: list[tuple[Any, int, str]] = [
        ({"orders": []}, 422, "batch_size"),
        ({"orders": [BODY] * 101}, 422, "batch_size"),
        ({"orders": BODY}, 422, "batch_size"),
        ({}, 422, "batch_size"),
        ({"orders": [BODY], "atomic": True}, 422, "unknown_field"),
        ({"\ud800": [BODY]}, 422, "unknown_field"),
        ([BODY], 400, "not_an_object"),
    ]
    for body, status, code in refused:
        as_json = {"content-type": "application/json"}
        answer = await engine.http.post("/api/orders/batch", content=json.dumps(body), headers=as_json)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    large = json.dumps({"orders": [{**BODY, "clientOrderId": "x" * 2_000_000}]})
    answer = await engine.http.post("/api/orders/batch", content=large, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert await head(engine) == 0
