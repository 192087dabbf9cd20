"""How often a service is asked, by all processes together, on a real Valkey; and what is answered when that is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from domain.codes import Code
from tests.integration.embedded import EmbeddedValkey
from tests.stubs.jupiter import Answer, JupiterStub, serving
from venues.errors import VenueError
from venues.jupiter.client import refused
from venues.remote.breaker import CircuitBreaker
from venues.remote.budget import ValkeyBudget
from venues.remote.service import Service
from venues.remote.state_board import StateBoard, VenueState


@pytest.fixture
async def client(valkey: EmbeddedValkey) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey.url) as client:
        await client.flushdb()
        yield client


async def take(budget: ValkeyBudget) -> bool:
    try:
        await budget.take()
    except VenueError as refused:
        assert refused.code == Code.VENUE_RATE_LIMITED
        return False
    return True


async def test_no_more_than_the_window_holds_however_many_processes_ask(client: Redis, valkey: EmbeddedValkey) -> None:
    async with Redis.from_url(valkey.url) as another:
        budgets = [ValkeyBudget(each, "one", most=10, window=0.5) for each in (client, another)]
        taken = await asyncio.gather(*(take(budgets[at % 2]) for at in range(40)))
        assert sum(taken) == 10
        assert await budgets[0].left() == 0
        await asyncio.sleep(0.6)
        assert await budgets[0].left() == 10
        assert await take(budgets[1])
        assert await budgets[0].left() == 9


async def test_services_have_budgets_of_their_own(client: Redis) -> None:
    one, other = (ValkeyBudget(client, name, most=1, window=60) for name in ("one", "other"))
    assert await take(one)
    assert await take(other)
    assert not await take(one)


async def test_a_service_that_asks_to_be_left_alone_is_by_everybody(client: Redis, valkey: EmbeddedValkey) -> None:
    async with Redis.from_url(valkey.url) as another:
        one, other = (ValkeyBudget(each, "one", most=10, window=60) for each in (client, another))
        await one.block_until(time.time() + 0.4)
        assert not await take(other)
        assert await other.left() == 0
        await asyncio.sleep(0.5)
        assert await take(other)
        await one.block_until(time.time() - 5)
        assert await take(other)
        # Nobody is left alone for ever by one wrong header.
        await one.block_until(time.time() + 10**9)
        assert await client.pttl("surefill:venue:one:blocked") <= 300_001


async def test_a_later_word_never_shortens_what_a_service_asked_for(client: Redis) -> None:
    budget = ValkeyBudget(client, "one", most=10, window=60)
    await budget.block_until(time.time() + 30)
    await budget.block_until(time.time() + 1)
    assert await client.pttl("surefill:venue:one:blocked") > 28_000
    await budget.block_until(time.time() + 40)
    assert await client.pttl("surefill:venue:one:blocked") > 38_000


async def test_where_nothing_can_be_counted_nobody_is_asked() -> None:
    async with Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2) as nowhere:
        budget = ValkeyBudget(nowhere, "one", most=10, window=60)
        assert not await take(budget)
        assert await budget.left() is None


@pytest.mark.parametrize(
    ("answer", "pause"),
    [
        ((429, {"error": "Too many requests"}, {"retry-after": "2"}), 2.0),
        ((429, {"error": "Too many requests"}, {"retry-after": "0"}), 1.0),
        ((429, "[API Gateway] Too many requests", {}), 1.0),
        ((429, "Too many requests", {"x-ratelimit-remaining": "-3", "x-ratelimit-reset": "+3"}), 3.0),
        ((200, {}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "+2"}), 2.0),
        ((200, {}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}), 0.0),
        ((200, {}, {"x-ratelimit-remaining": "5", "x-ratelimit-reset": "+2"}), 0.0),
    ],
)
async def test_what_a_service_says_of_its_limits_is_heeded(client: Redis, answer: Answer, pause: float) -> None:
    status, body, headers = answer
    at = headers.get("x-ratelimit-reset", "")
    if at.startswith("+"):
        headers = headers | {"x-ratelimit-reset": str(int(time.time()) + 1 + int(at))}
    stub = JupiterStub(None)  # type: ignore[arg-type]
    stub.next_answers.append((status, body, headers))
    from aiohttp import web

    async with serving(stub, web.get("/build", stub.build)) as url:
        budget = ValkeyBudget(client, "one", most=10, window=60)
        service = Service("one", url, budget=budget, refused=refused, timeout=2.0)
        try:
            await service.get("/build", {}, bytes)
        except VenueError as error:
            assert status == 429
            assert error.code == Code.VENUE_RATE_LIMITED
        await service.close()
    left_alone = max(0, await client.pttl("surefill:venue:one:blocked")) / 1_000
    assert pause - 0.9 <= left_alone <= pause + 1.1 if pause else left_alone == 0


async def test_every_process_sees_whom_another_leaves_alone(client: Redis) -> None:
    idle, busy = CircuitBreaker("idle"), CircuitBreaker("busy")
    board = StateBoard(client, lambda: (idle, busy))
    assert await board.read() == {}
    busy.require()
    busy.distrust("transfer: it pays a stranger")
    saying = asyncio.create_task(board.run())
    try:
        async with asyncio.timeout(5):
            while not (seen := await StateBoard(client, list).read()):
                await asyncio.sleep(0.02)
    finally:
        saying.cancel()
    until = pytest.approx(time.time() + busy.left_s, abs=0.5)
    assert seen == {"busy": VenueState("open", "transfer: it pays a stranger", until)}
    await client.hset("surefill:venue:states", "of another version", "[1]")
    assert await board.read() == seen


async def test_requests_of_one_moment_are_counted_by_one_call_and_the_first_get_what_is_left(client: Redis) -> None:
    budget = ValkeyBudget(client, "burst", most=5, window=60)
    before = (await client.info("commandstats")).get("cmdstat_eval", {}).get("calls", 0)
    assert await asyncio.gather(*(take(budget) for _ in range(8))) == [True] * 5 + [False] * 3
    assert (await client.info("commandstats"))["cmdstat_eval"]["calls"] == before + 1
    assert not await take(budget)
