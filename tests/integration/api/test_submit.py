"""Orders over REST, on a real log."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest

from tests.integration.api.serving import BODY, Engine

REFUSED = [
    (b'{"tokenIn":"SOL","tokenOut":"SOL","amountIn":1}', "application/json", 422, "same_token"),
    (b"[" * 60_000, "application/json", 400, "nested_too_deeply"),
    (b" " * 65_537, "application/json", 413, "body_too_large"),
    (b"tokenIn=SOL", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    (b'{"tokenIn":"SOL"}', "application/json; charset=iso-8859-1", 415, "unsupported_media_type"),
    (b'{"tokenIn":"SOL"}', 'application/json; v=1;Charset="utf-16"', 415, "unsupported_media_type"),
    (b"", "application/json", 400, "invalid_json"),
]


async def head(engine: Engine) -> int:
    async with engine.pool.connection() as connection:
        row = await (await connection.execute("select max(position) from events")).fetchone()
    return int(row[0] or 0) if row else 0


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
        "position": "1.2",
        "network": "localnet",
        "links": {"order": order, "events": f"{order}/events", "stream": f"/ws/orders/{body['orderId']}"},
    }
    got = (await engine.http.get(order)).json()
    assert (got["clientOrderId"], got["status"], got["amountIn"]) == ("a-1", "routing", "1.5")


async def test_an_order_that_waits_is_answered_with_its_prices(engine: Engine) -> None:
    prices = {"limitPrice": "152.50", "stopPrice": "1.55e2"}
    order = {**BODY, "type": "stop-limit", "clientOrderId": "w-1", **prices}
    first = await engine.http.post("/api/orders/execute", json=order)
    body = first.json()
    assert (first.status_code, body["limitPrice"], body["stopPrice"]) == (202, "152.5", "155")
    assert (await engine.http.post("/api/orders/execute", json=order)).content == first.content
    limit = {**BODY, "type": "limit", "limitPrice": "10"}
    assert "stopPrice" not in (await engine.http.post("/api/orders/execute", json=limit)).json()


async def test_one_client_order_id_at_once_is_one_order_and_equal_answers(engine: Engine) -> None:
    body = {**BODY, "clientOrderId": "a-1"}
    answers = await asyncio.gather(*(engine.http.post("/api/orders/execute", json=body) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert await head(engine) == 2
    # The same terms in other words, and after a default, are the same order.
    again = await engine.http.post("/api/orders/execute", json={**body, "tokenIn": "sol", "amountIn": 1.50})
    assert again.content == answers[0].content


async def test_bodies_without_a_client_order_id_are_orders_each(engine: Engine) -> None:
    answers = await asyncio.gather(*(engine.submit() for _ in range(50)))
    assert len({answer["orderId"] for answer in answers}) == 50


async def test_a_known_client_order_id_with_other_terms_is_a_conflict(engine: Engine) -> None:
    await engine.submit(clientOrderId="a-1")
    answer = await engine.http.post("/api/orders/execute", json={**BODY, "amountIn": "2", "clientOrderId": "a-1"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "client_order_id_conflict"
    assert answer.json()["field"] == "clientOrderId"


async def test_a_refused_body_is_a_problem_and_leaves_nothing(engine: Engine) -> None:
    for content, content_type, status, code in REFUSED:
        headers = {"content-type": content_type}
        answer = await engine.http.post("/api/orders/execute", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (status, code, status)
        assert answer.headers["content-type"] == "application/problem+json"
    assert await head(engine) == 0


@pytest.mark.parametrize("coding", ["gzip", "identity, GZIP", "br"])
async def test_a_compressed_body_is_refused_and_told_what_is_taken(engine: Engine, coding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": coding}
    content = gzip.compress(json.dumps(BODY).encode())
    for path in ("/api/orders", "/api/orders/batch", "/api/orders/preview", "/api/order-lists", "/api/orders/cancel"):
        answer = await engine.http.post(path, content=content, headers=headers)
        said = answer.json()
        assert (answer.status_code, said["code"], said["field"]) == (415, "unsupported_media_type", "Content-Encoding")
        assert answer.headers["accept-encoding"] == "identity"
    assert await head(engine) == 0


async def test_a_body_in_utf_8_is_taken_however_that_is_said(engine: Engine) -> None:
    for said in ("; charset=UTF-8", ';charset="utf-8"', "; Charset=utf8"):
        headers = {"content-type": f"Application/JSON{said}", "content-encoding": "identity"}
        answer = await engine.http.post("/api/orders", content=json.dumps(BODY).encode(), headers=headers)
        assert answer.status_code == 202


async def test_a_body_over_the_limit_is_refused_also_when_it_comes_in_pieces(engine: Engine) -> None:
    async def pieces():  # type: ignore[no-untyped-def]
        for _ in range(20):
            yield b" " * 8192

    headers = {"content-type": "application/json"}
    answer = await engine.http.post("/api/orders/execute", content=pieces(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
