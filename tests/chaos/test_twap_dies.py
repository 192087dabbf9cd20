"""A TWAP of twenty slices under kill -9 of everything, five times: twenty orders, none twice, and in order."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from itertools import pairwise
from typing import Any

import httpx2
import psycopg

from event_store.dsn import parse
from tests.chaos.test_everything_dies import kill_everything, verified
from tests.e2e.engine import Engine, body, ended

SLICES, EVERY_MS, DEATHS = 20, 1_000, 5
TWAP = {
    "kind": "twap",
    "clientListId": "t-1",
    "order": body(amountIn="0.200000007", slippageBps=500),
    "slices": SLICES,
    "everyMs": EVERY_MS,
}


async def asked(client: httpx2.AsyncClient, method: str, path: str, **request: Any) -> httpx2.Response:
    """The answer, asked again while the engine is busy or away: whatever is asked here is safe to repeat."""
    async with asyncio.timeout(180):
        while True:
            with suppress(httpx2.TransportError):
                answer = await client.request(method, path, **request)
                if answer.status_code != 503:
                    return answer
            await asyncio.sleep(0.2)


async def progress(client: httpx2.AsyncClient, list_id: str) -> dict[str, Any]:
    answer = await asked(client, "GET", f"/api/order-lists/{list_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def until(client: httpx2.AsyncClient, list_id: str, slices: int, *, within: float) -> dict[str, Any]:
    """The list once so many slices were submitted."""
    async with asyncio.timeout(within):
        while len((now := await progress(client, list_id))["orderIds"]) < slices:
            await asyncio.sleep(0.2)
    return now


async def test_killed_five_times_it_makes_twenty_children_none_twice_and_in_order(own_engine: Engine) -> None:
    dice = random.Random(13)
    own_engine.start(within=180)
    async with own_engine.client() as client:
        answer = await asked(client, "POST", "/api/order-lists", json=TWAP)
        assert answer.status_code == 202, answer.text
        list_id = answer.json()["listId"]
        for death in range(DEATHS):
            await until(client, list_id, 3 * (death + 1), within=180)
            # At any moment between two slices, and around them.
            await asyncio.sleep(dice.random() * EVERY_MS / 1_000)
            kill_everything(own_engine)
            await asyncio.to_thread(own_engine.start, within=180)
            again = await asked(client, "POST", "/api/order-lists", json=TWAP)
            assert (again.status_code, again.content) == (202, answer.content)
        now = await until(client, list_id, SLICES, within=180)
        orders = await ended(client, now["orderIds"], within=180)
        now = await progress(client, list_id)
        page = (await asked(client, "GET", "/api/orders", params={"parentId": list_id, "sort": "submittedAt"})).json()
    assert (now["status"], now["done"], now["refused"]) == ("finished", SLICES, [])
    assert [order["orderId"] for order in page["items"]] == now["orderIds"]
    assert len(set(now["orderIds"])) == SLICES
    assert {order["status"] for order in orders.values()} == {"confirmed"}
    assert now["executedAmountIn"] == "0.200000007"
    _assert_once_and_apart(own_engine, list_id, now["orderIds"])
    verified(own_engine, SLICES)


def _assert_once_and_apart(engine: Engine, list_id: str, order_ids: list[str]) -> None:
    """By the log itself: one first event a slice, in their order, and never two at once."""
    with psycopg.connect(parse(engine.addresses()["DATABASE_URL"]).conninfo) as database:
        rows = database.execute(
            "select stream_id::text, recorded_at from events where topic = 'order.OrderSubmitted'"
            " and convert_from(state, 'utf8') like %s order by position",
            [f"%{list_id}%"],
        ).fetchall()
    assert [row[0] for row in rows] == order_ids
    pauses = [(later[1] - sooner[1]).total_seconds() for sooner, later in pairwise(rows)]
    assert min(pauses) >= EVERY_MS / 2_000 - 0.05, pauses
