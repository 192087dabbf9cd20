"""While the event loop is late, new work is refused and what is under way goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from prometheus_client import REGISTRY
from websockets.asyncio.client import connect

from api.serving.overload import MAX_LAG_S
from cli.client import Client
from tests.integration.api.serving import BODY, Engine, running
from tests.integration.api.test_read import TO_CONFIRMED
from tests.integration.api.test_streams import STATUSES, told
from tests.integration.conftest import TestDatabase

REFUSED = "surefill_http_shed_total"


@pytest.fixture
async def engine(database: TestDatabase) -> AsyncIterator[Engine]:
    async with running(database.app, max_lag=0.5) as engine:
        # The harness has held up the loop, which the server shares with it.
        async with asyncio.timeout(20):
            while (await engine.http.get("/api/orders")).status_code != 200:
                await asyncio.sleep(0.1)
        yield engine


def block(seconds: float = 1.0) -> None:
    """The server runs on the test's own loop: nothing of it gets a turn."""
    time.sleep(seconds)


def refused() -> float:
    return REGISTRY.get_sample_value(REFUSED) or 0


async def head(engine: Engine) -> int:
    async with engine.pool.connection() as connection:
        [(position,)] = await (await connection.execute("select position from log_head")).fetchall()
    return int(position)


def assert_refused(answer: httpx2.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_post_to_a_late_loop_is_refused_and_repeated_it_is_one_order(engine: Engine) -> None:
    order: dict[str, Any] = {**BODY, "clientOrderId": "once"}
    await engine.submit()
    before, counted = await head(engine), refused()
    block()
    assert_refused(await engine.http.post("/api/orders/execute", json=order))
    assert_refused(await engine.http.post("/api/orders/batch", json={"orders": [order]}))
    assert_refused(await engine.http.get("/api/orders"))
    assert refused() - counted == 3
    assert await head(engine) == before
    async with asyncio.timeout(10):
        while (answer := await engine.http.post("/api/orders/execute", json=order)).status_code != 202:
            assert_refused(answer)
            await asyncio.sleep(int(answer.headers["retry-after"]))
    again = await engine.http.post("/api/orders/execute", json=order)
    assert again.json() == answer.json()
    # A market order is two events, OrderSubmitted and OrderTriggered.
    assert await head(engine) == before + 2


async def test_the_command_line_asks_again_until_its_order_is_taken(engine: Engine) -> None:
    counted = refused()
    block()
    async with Client(str(engine.http.base_url)) as client:
        accepted = await client.submit(BODY)
    assert refused() > counted
    assert accepted["status"] == "pending"


async def test_health_metrics_and_sockets_go_on_while_posts_are_refused(engine: Engine) -> None:
    order_id = (await engine.submit())["orderId"]
    async with connect(f"{engine.ws}/ws/orders/{order_id}") as early:
        block()
        assert_refused(await engine.http.post("/api/orders/execute", json=BODY))
        assert (await engine.http.get("/health/live")).status_code == 200
        assert (await engine.http.get("/health/ready")).status_code == 200
        assert (await engine.http.get("/metrics")).status_code == 200
        async with connect(f"{engine.ws}/ws/orders/{order_id}") as late:
            await engine.tell(order_id, *TO_CONFIRMED[:2])
            block()
            await engine.tell(order_id, *TO_CONFIRMED[2:])
            for messages, code in (await told(early), await told(late)):
                assert ([message["status"] for message in messages], code) == (STATUSES, 1000)


async def test_thirty_two_connections_at_full_speed_are_not_refused(database: TestDatabase) -> None:
    """At the lateness that an engine is given where nobody sets another."""
    async with running(database.app, max_lag=MAX_LAG_S) as engine:
        await full_speed(engine)


async def full_speed(engine: Engine) -> None:
    counted = refused()

    async def post_all(http: httpx2.AsyncClient) -> None:
        for _ in range(5):
            answer = await http.post("/api/orders/execute", json=BODY)
            assert answer.status_code == 202, answer.text

    async with httpx2.AsyncClient(base_url=engine.url, timeout=30) as http:
        await asyncio.gather(*(post_all(http) for _ in range(32)))
    assert refused() == counted
