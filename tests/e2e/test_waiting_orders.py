"""Orders that wait, seen from outside: they rest through a restart of everything and fill when the price is there."""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal

import httpx2
import psycopg

from domain.events import ORDER_EVENTS, OrderTriggered
from event_store.dsn import parse
from event_store.mapper import EventMapper
from tests.e2e.engine import Engine, ended, story, submit


def move(engine: Engine, price: str) -> None:
    moved = engine.run("localnet", "price", "SOL/USDC", price)
    assert moved.returncode == 0, moved.stderr


async def status(client: httpx2.AsyncClient, order_id: str) -> str:
    return str((await client.get(f"/api/orders/{order_id}")).json()["status"])


async def test_limits_and_stops_survive_a_restart_of_everything_and_fill_when_the_price_is_there(own_engine: Engine):
    engine = own_engine
    engine.start()
    async with engine.client() as client:
        sell = await submit(client, type="limit", limitPrice="153", amountIn="1")
        buy = await submit(client, type="limit", limitPrice="147", tokenIn="USDC", tokenOut="SOL", amountIn="100")
        stop = await submit(client, type="stop-limit", stopPrice="145", limitPrice="144", amountIn="1")
        shown = (await client.get(f"/api/orders/{stop}")).json()
        assert (shown["limitPrice"], shown["stopPrice"], shown["status"]) == ("144", "145", "pending")
        move(engine, "151")
        assert engine.stop() == 0
        engine.start()
        assert [await status(client, one) for one in (sell, buy, stop)] == ["pending"] * 3
        move(engine, "154")
        sold = (await ended(client, [sell]))[sell]
        assert Decimal(sold["executedPrice"]) >= 153
        assert await status(client, buy) == "pending"
        move(engine, "146")
        bought = (await ended(client, [buy]))[buy]
        assert Decimal(bought["executedPrice"]) <= 147
        move(engine, "144.8")
        stopped = (await ended(client, [stop]))[stop]
        assert Decimal(stopped["executedPrice"]) >= 144
        types = [event["type"] for event in await story(client, stop)]
        assert types[:3] == ["OrderSubmitted", "StopTriggered", "OrderTriggered"]
        messages = await engine.watch(sell)
        assert [one["status"] for one in messages] == ["pending", "routing", "building", "submitted", "confirmed"]


def crossing(orders: int) -> list[dict[str, str]]:
    """Terms of ``orders`` orders in groups of four: a sell that 160 crosses and one it doesn't, a buy that 140 crosses
    and one it doesn't. Five of each limit, so that age counts too; together 0.003 % of the pools' depth.
    """
    buy = {"type": "limit", "tokenIn": "USDC", "tokenOut": "SOL", "amountIn": "15"}
    sell = {"type": "limit", "amountIn": "0.1"}
    terms = []
    for n in range(orders // 4):
        step = n % 50 * Decimal("0.1")
        terms += [{**sell, "limitPrice": str(151 + step)}, {**sell, "limitPrice": str(165 + step)}]
        terms += [{**buy, "limitPrice": str(148 - step)}, {**buy, "limitPrice": str(135 - step)}]
    return terms


def triggers(engine: Engine) -> tuple[dict[str, int], dict[datetime, list[str]]]:
    """Each order's first position, and the orders that each observation fired, by the position of that."""
    mapper, first, fired = EventMapper(ORDER_EVENTS), dict[str, int](), dict[datetime, list[str]]()
    with psycopg.connect(parse(engine.addresses()["DATABASE_URL"]).conninfo) as connection:
        rows = connection.execute("select stream_id, position, topic, state from events order by position").fetchall()
    for stream_id, position, topic, state in rows:
        first.setdefault(str(stream_id), position)
        if topic == OrderTriggered.TOPIC:
            event = mapper.load(topic, bytes(state))
            assert isinstance(event, OrderTriggered)
            assert event.observation
            fired.setdefault(event.observation.observed_at, []).append(str(stream_id))
    return first, fired


async def test_half_of_a_thousand_orders_is_crossed_and_exactly_that_half_is_filled_in_order(own_engine: Engine):
    engine = own_engine
    engine.start()
    terms = crossing(1_000)
    async with engine.client() as client:
        ids = await asyncio.gather(*(submit(client, **one) for one in terms))
        limits = {order_id: Decimal(one["limitPrice"]) for order_id, one in zip(ids, terms, strict=True)}
        move(engine, "160")
        filled = await ended(client, ids[0::4])
        move(engine, "140")
        filled |= await ended(client, ids[2::4])
        rest = [(await client.get(f"/api/orders/{order_id}")).json() for order_id in ids[1::2]]
    assert {order["status"] for order in filled.values()} == {"confirmed"}
    for order_id, order in filled.items():
        better = Decimal(order["executedPrice"]) - limits[order_id]
        assert (better if order["side"] == "sell" else -better) >= 0
    assert {(order["status"], order["version"]) for order in rest} == {("pending", 1)}
    first, fired = triggers(engine)
    assert sorted(one for batch in fired.values() for one in batch) == sorted(ids[0::2])
    for batch in fired.values():
        sells = filled[batch[0]]["side"] == "sell"
        assert batch == sorted(batch, key=lambda one: (limits[one] if sells else -limits[one], first[one]))


async def test_an_order_whose_quotes_fall_short_rests_and_a_still_price_writes_nothing(engine: Engine):
    async with engine.client() as client:
        touched = await submit(client, type="limit", limitPrice="149", amountIn="9000")
        async with asyncio.timeout(15):
            while (await story(client, touched))[-1]["type"] != "OrderRested":
                await asyncio.sleep(0.1)
    with psycopg.connect(parse(engine.addresses()["DATABASE_URL"]).conninfo, autocommit=True) as connection:
        # Not the log's head: an account's event comes when the canary of the engine's start is final.
        written = "select stream_id, version from events where topic like 'order.%' order by position"
        before = connection.execute(written).fetchall()
        await asyncio.sleep(3)
        assert connection.execute(written).fetchall() == before


async def test_a_waiting_order_is_cancelled_at_once_and_one_that_ended_is_too_late(engine: Engine):
    async with engine.client() as client:
        waits = await submit(client, type="limit", limitPrice="900", amountIn="1")
        said = engine.run("cancel", waits, "--because", "sold elsewhere")
        assert (said.returncode, said.stdout) == (0, f"order {waits} is cancelled\n")
        shown = (await client.get(f"/api/orders/{waits}")).json()
        assert (shown["status"], shown["cancellation"]["code"]) == ("cancelled", "cancelled")
        assert shown["cancellation"]["because"] == "sold elsewhere"
        assert engine.run("cancel", waits, "--because", "again").returncode == 0
        assert [one["status"] for one in await engine.watch(waits)] == ["pending", "cancelled"]
        cancelled = {"status": "cancelled", "position": (await story(client, waits))[-1]["position"]}
        listed = (await client.get("/api/orders", params=cancelled)).json()["items"]
        assert waits in [one["orderId"] for one in listed]

        swapped = await submit(client)
        await ended(client, [swapped])
        late = engine.run("cancel", swapped, "--because", "too late")
        assert (late.returncode, late.stderr) == (1, "surefill: too_late: The order is confirmed.\n")
        unknown = engine.run("cancel", "00000000-0000-7000-8000-000000000009", "--because", "who knows")
        assert unknown.returncode == 1 and "order_not_found" in unknown.stderr
