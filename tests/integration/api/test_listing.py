"""The list of orders: what it is filtered by, page by page, while more orders come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain import commands as c
from domain.codes import Code
from tests.integration.api.serving import Engine

LIMIT = {"type": "limit", "limitPrice": "1000"}
ORDERS: dict[str, dict[str, Any]] = {
    "sell-sol": {},
    "buy-sol": {"tokenIn": "USDC", "tokenOut": "SOL"},
    "limit": LIMIT,
    "sell-jup": {"tokenIn": "JUP"},
    "failed": {},
}


@pytest.fixture
async def listed(engine: Engine) -> AsyncIterator[Engine]:
    engine.project()
    accepted = {}
    for name, changes in ORDERS.items():
        accepted[name] = await engine.submit(clientOrderId=name, **changes)
        await asyncio.sleep(0.01)
    await engine.tell(accepted["failed"]["orderId"], c.DiscardOrder(Code.DISCARDED))
    async with asyncio.timeout(10):
        while await ids(engine, status="failed") != ["failed"]:
            await asyncio.sleep(0.02)
    yield engine


async def ids(engine: Engine, **query: Any) -> list[str]:
    answer = await engine.http.get("/api/orders", params=query)
    assert answer.status_code == 200, answer.text
    return [order["clientOrderId"] for order in answer.json()["items"]]


async def test_the_list_is_filtered_by_whatever_is_asked(listed: Engine) -> None:
    newest = list(reversed(ORDERS))
    assert await ids(listed) == newest
    assert await ids(listed, sort="submittedAt") == list(ORDERS)
    assert await ids(listed, pair="SOL/USDC") == ["failed", "limit", "buy-sol", "sell-sol"]
    assert await ids(listed, pair="sol-usdc", side="buy") == ["buy-sol"]
    assert await ids(listed, pair="SOL/USDC", side="sell", type="market") == ["failed", "sell-sol"]
    assert await ids(listed, type="limit") == ["limit"]
    assert await ids(listed, pair="JUP/USDC") == ["sell-jup"]
    assert await ids(listed, clientOrderId="limit") == ["limit"]
    assert await ids(listed, clientOrderId="limit", status="failed") == []
    orders = (await listed.http.get("/api/orders")).json()["items"]
    middle = orders[2]["submittedAt"]
    assert await ids(listed, since="2030-01-01T00:00:00Z") == []
    assert await ids(listed, until=middle) == newest[3:] or await ids(listed, until=middle) == newest[2:]
    assert set(await ids(listed, since=middle)) | set(await ids(listed, until=middle)) == set(ORDERS)


async def test_pages_follow_each_other_while_orders_come_and_change(listed: Engine) -> None:
    for sort in ("-submittedAt", "submittedAt"):
        seen: list[str] = []
        cursor = None
        while True:
            query = {"limit": 2, "sort": sort, **({"cursor": cursor} if cursor else {})}
            page = (await listed.http.get("/api/orders", params=query)).json()
            seen += [order["clientOrderId"] for order in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
            await listed.submit(clientOrderId=f"late-{sort}-{len(seen)}")
        expected = list(ORDERS) if sort == "submittedAt" else list(reversed(ORDERS))
        assert [one for one in seen if one in ORDERS] == expected
        assert len(set(seen)) == len(seen)


async def test_a_cursor_serves_its_own_question_alone(listed: Engine) -> None:
    cursor = (await listed.http.get("/api/orders", params={"limit": 2})).json()["next"]
    assert (await listed.http.get("/api/orders", params={"limit": 1, "cursor": cursor})).status_code == 200
    for changed in ({"status": "routing"}, {"sort": "submittedAt"}, {"pair": "SOL/USDC"}):
        answer = await listed.http.get("/api/orders", params={"cursor": cursor, **changed})
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "invalid_query", "cursor")
    for broken in (cursor[:-1], cursor[1:], "A" + cursor[1:], cursor + "A"):
        assert (await listed.http.get("/api/orders", params={"cursor": broken})).status_code == 400


@pytest.mark.parametrize(
    ("query", "status", "code", "field"),
    [
        ({"pair": "SOL/DOGE"}, 404, "unknown_pair", "pair"),
        ({"pair": "SOL/SOL"}, 404, "unknown_pair", "pair"),
        ({"side": "sell"}, 400, "invalid_query", "side"),
        ({"side": "up", "pair": "SOL/USDC"}, 400, "invalid_query", "side"),
        ({"type": "stop-market"}, 400, "invalid_query", "type"),
        ({"sort": "price"}, 400, "invalid_query", "sort"),
        ({"since": "2026-01-01T00:00:00"}, 400, "invalid_query", "since"),
        ({"until": "soon"}, 400, "invalid_query", "until"),
        ({"clientOrderId": "no such id"}, 422, "invalid_client_order_id", "clientOrderId"),
    ],
)
async def test_an_odd_question_is_a_problem_with_its_code(
    engine: Engine, query: dict[str, str], status: int, code: str, field: str
) -> None:
    answer = await engine.http.get("/api/orders", params=query)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem.get("field")) == (status, code, field)


async def test_an_order_is_found_by_the_clients_own_id(engine: Engine) -> None:
    accepted = await engine.submit(clientOrderId="a-1")
    found = await engine.http.get("/api/orders/by-client-id/a-1")
    assert (found.status_code, found.json()["orderId"]) == (200, accepted["orderId"])
    assert found.json() == (await engine.http.get(accepted["links"]["order"])).json()
    missing = await engine.http.get("/api/orders/by-client-id/a-2")
    assert (missing.status_code, missing.json()["code"]) == (404, "order_not_found")
    odd = await engine.http.get("/api/orders/by-client-id/a%20b")
    assert (odd.status_code, odd.json()["code"]) == (422, "invalid_client_order_id")
