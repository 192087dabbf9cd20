"""The kill switch as clients meet it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.api.serving import BODY, Engine

ORDERS = "/api/orders"
BUY = {**BODY, "tokenIn": "USDC", "tokenOut": "SOL"}


async def put(engine: Engine, state: str, scope: str = "engine", **more: Any) -> tuple[int, dict[str, Any]]:
    body = {"scope": scope, "state": state, "because": "the test", **more}
    answer = await engine.http.put("/api/admin/trading-state", json=body)
    return answer.status_code, answer.json()


async def code(engine: Engine, body: dict[str, Any]) -> tuple[int, str | None]:
    answer = await engine.http.post(ORDERS, json=body)
    return answer.status_code, answer.json().get("code")


@pytest.mark.parametrize("scope", ["engine", "account:default"])
async def test_a_halt_takes_no_order_and_a_repeat_gets_its_first_answer(engine: Engine, scope: str) -> None:
    named = {**BODY, "clientOrderId": "a-1"}
    first = await engine.http.post(ORDERS, json=named)
    assert await put(engine, "halted", scope) == (200, {"scope": scope, "state": "halted", "cancelling": 0})
    assert await code(engine, BODY) == (423, "trading_halted")
    assert await code(engine, {**BODY, "clientOrderId": "a-2"}) == (423, "trading_halted")
    again = await engine.http.post(ORDERS, json=named)
    assert (again.status_code, again.content) == (202, first.content)
    order = (await engine.http.get(first.json()["links"]["order"])).json()
    assert order["halt"]["code"] == "trading_halted" and "the test" in order["halt"]["detail"]
    assert (await engine.http.get("/api/account")).json()["tradingState"] == "halted"

    await put(engine, "reducing", scope)
    assert await code(engine, BUY) == (423, "trading_reducing")
    assert await code(engine, BODY) == (202, None)
    await put(engine, "active", scope)
    assert await code(engine, BUY) == (202, None)


async def test_another_accounts_halt_is_none_of_ours(engine: Engine) -> None:
    await engine.directory.open("desk", None, by="test")
    assert (await put(engine, "halted", "account:desk"))[0] == 200
    assert await code(engine, BODY) == (202, None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"state": "stopped"}, "state"), ({"scope": "all"}, "scope"), ({"scope": "venue:Nowhere"}, "scope"),
        ({"scope": "account:"}, "scope"), ({"because": " "}, "because"),
        ({"because": "\ud800"}, "because"), ({"because": "a\0b"}, "because"), ({"cancelLive": "yes"}, "cancelLive"),
        ({"state": "active", "cancelLive": True}, "cancelLive"),
    ],
)  # fmt: skip
async def test_an_odd_request_sets_nothing(engine: Engine, body: dict[str, Any], field: str) -> None:
    asked = {"scope": "engine", "state": "halted", "because": "the test", **body}
    as_json = {"content-type": "application/json"}
    answer = await engine.http.put("/api/admin/trading-state", content=json.dumps(asked), headers=as_json)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["field"]) == (422, "invalid_field", field)
    assert await engine.events.head() == 0
