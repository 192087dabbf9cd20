"""Orders that wait, seen from outside: they rest through a restart of everything and fill when the price is there."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import httpx2

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


async def test_half_of_the_orders_are_crossed_and_exactly_that_half_is_filled(own_engine: Engine):
    engine = own_engine
    engine.start()
    crossed = [f"{151 + n * Decimal('0.05'):.2f}" for n in range(100)]
    beyond = [f"{165 + n * Decimal('0.05'):.2f}" for n in range(100)]
    async with engine.client() as client:
        limits = {
            await submit(client, type="limit", limitPrice=limit, amountIn="0.01"): Decimal(limit)
            for limit in crossed + beyond
        }
        ids = list(limits)
        move(engine, "160")
        filled = await ended(client, ids[:100])
        await asyncio.sleep(1)
        rest = [await status(client, order_id) for order_id in ids[100:]]
    assert {order["status"] for order in filled.values()} == {"confirmed"}
    assert all(Decimal(order["executedPrice"]) >= limits[order_id] for order_id, order in filled.items())
    assert set(rest) == {"pending"}
