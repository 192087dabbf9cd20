"""An order is safe to repeat, by its body or by a header; and may be waited for."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from prometheus_client import REGISTRY

from api.orders.document import read
from api.orders.request import order_request
from api.orders.submit import submission
from api.orders.terms import terms
from commands.ids import DEFAULT_ACCOUNT
from commands.submit import submit_order
from domain import commands as c
from domain.codes import Code
from tests.integration.api.serving import BODY, CONFIG, Engine, running
from tests.integration.conftest import TestDatabase
from tests.plain_http import NO_AUTHORITIES

ORDERS = "/api/orders"
THREADS = 200


def at(seconds: float) -> dict[str, str]:
    return {"Surefill-Expires-After": (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()}


async def test_the_header_and_the_field_and_both_paths_name_one_order(engine: Engine) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = await engine.http.post(ORDERS, json=BODY, headers=key)
    for path in (ORDERS, f"{ORDERS}/execute"):
        for body, headers in (
            (BODY, key),
            ({**BODY, "clientOrderId": "k-1"}, {}),
            ({**BODY, "clientOrderId": "k-1"}, key),
        ):
            again = await engine.http.post(path, json=body, headers=headers)
            assert (again.status_code, again.content) == (202, first.content)
    other = await engine.http.post(ORDERS, json={**BODY, "clientOrderId": "k-2"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "conflicting_fields")
    assert await engine.events.head() == 2


async def test_an_order_that_comes_too_late_is_not_taken_and_a_repeat_gets_its_first_answer(engine: Engine) -> None:
    body = {**BODY, "clientOrderId": "k-1"}
    late = await engine.http.post(ORDERS, json=body, headers=at(-1))
    assert (late.status_code, late.json()["code"], await engine.events.head()) == (422, "request_expired", 0)
    first = await engine.http.post(ORDERS, json=body, headers=at(60))
    again = await engine.http.post(ORDERS, json=body, headers=at(-1))
    assert (first.status_code, again.status_code, again.content) == (202, 202, first.content)
    changed = await engine.http.post(ORDERS, json={**body, "amountIn": "9"}, headers=at(-1))
    assert (changed.status_code, changed.json()["code"]) == (409, "client_order_id_conflict")


async def test_in_a_batch_each_order_has_its_own_id(engine: Engine) -> None:
    orders = {"orders": [{**BODY, "clientOrderId": "k-1"}]}
    refused = await engine.http.post(f"{ORDERS}/batch", json=orders, headers={"Idempotency-Key": "k-1"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_client_order_id")
    late = await engine.http.post(f"{ORDERS}/batch", json=orders, headers=at(-1))
    assert [item["problem"]["code"] for item in late.json()["items"]] == ["request_expired"]
    assert await engine.events.head() == 0


async def test_where_answers_may_be_lost_an_order_has_to_be_safe_to_repeat(database: TestDatabase) -> None:
    async with running(database.app, config=replace(CONFIG, requires_client_order_id=True)) as engine:
        refused = await engine.http.post(ORDERS, json=BODY)
        assert (refused.status_code, refused.json()["code"]) == (422, "client_order_id_required")
        taken = await engine.http.post(ORDERS, json=BODY, headers={"Idempotency-Key": "k-1"})
        assert taken.status_code == 202


async def test_who_waits_is_answered_when_the_order_ends_and_no_later_than_asked(engine: Engine) -> None:
    begun = time.monotonic()
    early = await engine.http.post(ORDERS, json={**BODY, "clientOrderId": "k-1"}, headers={"Prefer": "wait=1"})
    assert (early.status_code, early.json()["status"]) == (202, "pending")
    assert early.headers["preference-applied"] == "wait=1" and time.monotonic() - begun >= 0.9

    waiting = asyncio.create_task(
        engine.http.post(ORDERS, json={**BODY, "clientOrderId": "k-1"}, headers={"Prefer": "wait=9"})
    )
    await asyncio.sleep(0.3)
    await engine.tell(early.json()["orderId"], c.DiscardOrder(Code.DISCARDED))
    ended = await waiting
    assert (ended.status_code, ended.json()["status"], ended.json()["clientOrderId"]) == (200, "failed", "k-1")
    plain = await engine.http.post(ORDERS, json={**BODY, "clientOrderId": "k-1"})
    assert (plain.status_code, plain.content) == (202, early.content)


async def test_two_hundred_threads_at_once_with_one_key_are_one_order_and_equal_answers(engine: Engine) -> None:
    together = threading.Barrier(THREADS)

    def post() -> httpx2.Response:
        with httpx2.Client(base_url=engine.url, timeout=60, trust_env=False, verify=NO_AUTHORITIES) as client:
            together.wait(60)
            while True:
                answer = client.post(ORDERS, json=BODY, headers={"Idempotency-Key": "k-1"})
                if answer.status_code < 500:
                    return answer
                assert answer.json()["retryable"], answer.text
                time.sleep(1)

    with ThreadPoolExecutor(THREADS) as threads:
        loop = asyncio.get_running_loop()
        answers = await asyncio.gather(*(loop.run_in_executor(threads, post) for _ in range(THREADS)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert await engine.events.head() == 2


async def test_who_would_wait_for_no_time_is_answered_at_once_and_leaves_nothing_behind(engine: Engine) -> None:
    waiting = REGISTRY.get_sample_value("surefill_live_subscriptions")
    resting = {**BODY, "type": "limit", "limitPrice": "400", "clientOrderId": "k-0"}
    for _ in range(3):
        async with asyncio.timeout(5):
            answer = await engine.http.post(ORDERS, json=resting, headers={"Prefer": "wait=0"})
        assert (answer.status_code, answer.headers["preference-applied"]) == (202, "wait=0")
    assert REGISTRY.get_sample_value("surefill_live_subscriptions") == waiting


async def test_who_leaves_while_it_waits_makes_room_at_once_and_its_order_stays(database: TestDatabase) -> None:
    async with running(database.app, at_once=1) as engine:
        address, waiting = httpx2.URL(engine.url), {"Prefer": "wait=30"}
        post = engine.http.build_request("POST", ORDERS, json={**BODY, "clientOrderId": "k-1"}, headers=waiting)
        lines = [f"{name}: {value}" for name, value in post.headers.items()]
        _, writer = await asyncio.open_connection(address.host, address.port)
        writer.write("\r\n".join([f"POST {ORDERS} HTTP/1.1", *lines, "", ""]).encode() + post.read())
        async with asyncio.timeout(10):
            while await engine.events.head() < 2:
                await asyncio.sleep(0.02)
        full = await engine.http.get(f"{ORDERS}/by-client-id/k-1")
        assert (full.status_code, full.json()["code"]) == (503, "overloaded")
        writer.close()
        async with asyncio.timeout(10):
            while (order := await engine.http.get(f"{ORDERS}/by-client-id/k-1")).status_code == 503:
                await asyncio.sleep(0.02)
        assert (order.status_code, order.json()["status"]) == (200, "routing")


@pytest.mark.parametrize("name", [".", ".."])
async def test_a_name_that_no_path_can_carry_is_refused_and_an_older_order_of_it_stays(
    engine: Engine, name: str
) -> None:
    body = {**BODY, "clientOrderId": name}
    refused = await engine.http.post(ORDERS, json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_client_order_id")
    by_header = await engine.http.post(ORDERS, json=BODY, headers={"Idempotency-Key": name})
    assert (by_header.status_code, by_header.json()["field"]) == (422, "Idempotency-Key")
    assert (await engine.submit(clientOrderId="..."))["status"] == "pending"

    asked = terms(order_request(read(json.dumps(body).encode(), "application/json"), CONFIG.tokens), CONFIG)
    older = await submit_order(engine.orders, DEFAULT_ACCOUNT, submission(asked, CONFIG, "localnet", datetime.now(UTC)))
    again = await engine.http.post(ORDERS, json=body)
    assert (again.status_code, again.json()["orderId"]) == (202, str(older.order_id))
    engine.project()
    query = {"clientOrderId": name, "position": again.json()["position"]}
    [listed] = (await engine.http.get(ORDERS, params=query)).json()["items"]
    assert listed["orderId"] == str(older.order_id)
    cancelled = await engine.http.post(f"{ORDERS}/cancel", json={"clientOrderIds": [name]})
    assert [item["clientOrderId"] for item in cancelled.json()["items"]] == [name]


async def test_a_conflict_is_named_by_the_word_that_the_client_used(engine: Engine) -> None:
    key = {"Idempotency-Key": "k-1"}
    await engine.http.post(ORDERS, json=BODY, headers=key)
    other = {**BODY, "amountIn": "9"}
    by_header = await engine.http.post(ORDERS, json=other, headers=key)
    by_field = await engine.http.post(ORDERS, json={**other, "clientOrderId": "k-1"}, headers=key)
    assert [answer.status_code for answer in (by_header, by_field)] == [409, 409]
    said = by_header.json(), by_field.json()
    assert [problem["code"] for problem in said] == ["client_order_id_conflict"] * 2
    assert [problem["field"] for problem in said] == ["Idempotency-Key", "clientOrderId"]
    assert [problem["detail"].split()[1] for problem in said] == ["Idempotency-Key", "clientOrderId"]
