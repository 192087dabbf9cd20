"""What a list of orders takes of its account's rate: as many as it has, all together, or none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from api.rates import Rates
from tests.integration.api.serving import Engine, running
from tests.integration.api.test_account_limits import limit
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedValkey

BUY = {"tokenIn": "USDC", "tokenOut": "SOL", "slippageBps": 50, "type": "limit", "limitPrice": "100"}
SMALL, LARGE = {**BUY, "amountIn": "10"}, {**BUY, "amountIn": "500"}


@pytest.fixture
async def counting(database: TestDatabase, valkey: EmbeddedValkey) -> AsyncIterator[Engine]:
    # Each test's account is the default one: what another test has sent in this minute isn't to count.
    async with Redis.from_url(valkey.url) as client:
        await client.flushdb()
    async with running(database.app, rates=Rates(valkey.url, fail_open=False)) as engine:
        yield engine


async def post(engine: Engine, kind: str, *legs: dict[str, Any]) -> httpx2.Response:
    return await engine.http.post("/api/order-lists", json={"kind": kind, "legs": legs})


async def left(engine: Engine) -> int:
    """What is left of the rate once one more order has been sent."""
    answer = await engine.http.post("/api/orders", json=SMALL)
    return int(answer.headers["ratelimit-remaining"])


async def test_a_list_that_never_fits_is_told_so_and_spends_nothing(counting: Engine) -> None:
    await limit(counting, ordersPerMinute=1)
    refused = await post(counting, "oco", SMALL, SMALL)
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["limit"]) == (429, "rate_limited", "ordersPerMinute")
    assert problem["retryable"] is False and "retry-after" not in refused.headers
    assert await left(counting) == 0
    assert (await counting.http.post("/api/orders", json=SMALL)).json()["retryable"] is True


async def test_a_list_that_does_not_fit_now_spends_nothing_and_its_orders_are_taken_together(counting: Engine) -> None:
    await limit(counting, ordersPerMinute=5)
    assert await left(counting) == 4
    assert (await post(counting, "otoco", SMALL, SMALL, SMALL)).status_code == 202
    for _ in range(3):
        refused = await post(counting, "oco", SMALL, SMALL)
        assert (refused.status_code, refused.json()["retryable"]) == (429, True)
        assert (refused.headers["ratelimit-remaining"], 0 < int(refused.headers["retry-after"]) <= 60) == ("1", True)
    assert await left(counting) == 0


async def test_a_list_that_is_refused_for_its_second_order_spends_nothing(counting: Engine) -> None:
    await limit(counting, ordersPerMinute=3, maxOrderNotional="100")
    refused = await post(counting, "oco", SMALL, LARGE)
    assert (refused.json()["code"], refused.json()["field"]) == ("order_too_large", "legs[1]")
    assert await left(counting) == 2
