"""The whole engine with remote venues by settings alone: orders through stubs in the services' own shapes."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from aiohttp import web

from chains.solana_client import SolanaChain
from tests.e2e.engine import Engine, body, ended, story, submit
from tests.ports import free_port
from tests.stubs.jupiter import JupiterStub, serving
from tests.stubs.raydium import RaydiumStub
from venues.constant_product import PROGRAM_ID
from venues.pools import PoolBook

ORDERS = 24


async def test_orders_go_through_jupiter_and_raydium_and_on_without_them(own_engine: Engine, tmp_path: Path) -> None:
    port = free_port()
    own_engine.settings |= {
        "VENUES": "jupiter,orca,raydium",
        "JUPITER_URL": f"http://127.0.0.1:{port}/swap/v2",
        "RAYDIUM_URL": f"http://127.0.0.1:{port}",
        "JUPITER_REQUESTS_PER_MINUTE": "10000",
        "RAYDIUM_REQUESTS_PER_MINUTE": "10000",
        # What stands for the venues' own programs on the local chain.
        "PROGRAMS_ALLOWED": PROGRAM_ID,
    }
    own_engine.start(within=120)
    async with SolanaChain(own_engine.addresses()["SOLANA_RPC_URL"]) as chain, own_engine.client() as client:
        # Nobody answers for the venues yet: the engine is there, takes an order, and waits with it.
        early = (await client.post("/api/orders/execute", json=body())).json()["orderId"]
        await asyncio.sleep(1.0)
        assert (await client.get(f"/api/orders/{early}")).json()["status"] in ("pending", "routing")

        book = PoolBook(chain, PROGRAM_ID)
        jupiter, raydium = JupiterStub(book), RaydiumStub(book)
        app = web.Application()
        app.add_routes([web.get("/swap/v2/build", jupiter.build), *raydium.routes()])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()

        posted = [await client.post("/api/orders/execute", json=body(amountIn=f"0.{n + 1:02}")) for n in range(ORDERS)]
        ids = [early, *(answer.json()["orderId"] for answer in posted)]
        orders = await ended(client, ids, within=120)
        venues = (await client.get("/api/venues")).json()["items"]
        network = (await client.get("/api/network")).json()
        await runner.cleanup()
    assert Counter(order["status"] for order in orders.values()) == {"confirmed": ORDERS + 1}
    assert {order["dex"] for order in orders.values()} <= {"Jupiter", "Orca via Jupiter", "Raydium Trade API"}
    assert [one["venue"] for one in venues] == ["Jupiter", "Orca via Jupiter", "Raydium Trade API"]
    assert all(one["requests"]["most"] == 10_000 > one["requests"]["left"] for one in venues)
    assert network["venues"] == [one["venue"] for one in venues]


async def test_pools_fill_what_a_venue_quotes_above_and_never_gives(own_engine: Engine) -> None:
    port = free_port()
    own_engine.settings |= {
        "VENUES": "pools,jupiter",
        "JUPITER_URL": f"http://127.0.0.1:{port}/swap/v2",
        "JUPITER_REQUESTS_PER_MINUTE": "10000",
        "PROGRAMS_ALLOWED": PROGRAM_ID,
    }
    own_engine.start(within=120)
    async with SolanaChain(own_engine.addresses()["SOLANA_RPC_URL"]) as chain, own_engine.client() as client:
        jupiter = JupiterStub(PoolBook(chain, PROGRAM_ID))
        jupiter.edit = lambda answer: answer | {"outAmount": str(int(answer["outAmount"]) * 103 // 100)}
        async with serving(jupiter, web.get("/swap/v2/build", jupiter.build), port=port):
            order_id = await submit(client)
            order = (await ended(client, [order_id]))[order_id]
            events = await story(client, order_id)
            asked = len(jupiter.asked)
            [venue] = [one for one in (await client.get("/api/venues")).json()["items"] if one["venue"] == "Jupiter"]
            later = await submit(client)
            assert (await ended(client, [later]))[later]["status"] == "confirmed"
            assert len(jupiter.asked) == asked
    assert order["status"] == "confirmed", order
    assert order["dex"] != "Jupiter"
    routes = [event["data"] for event in events if event["type"] == "OrderRouted"]
    honest = max(int(one["amountOutBaseUnits"]) for one in routes[0]["quotes"] if one["venue"] != "Jupiter")
    built = [event["data"] for event in events if event["type"] == "TransactionBuilt"]
    assert [one["attempt"] for one in built] == [1]
    assert int(built[0]["minimumOutBaseUnits"]) >= honest * 99 // 100
    assert (venue["standing"], venue["reason"]) == ("left_alone", "its swaps give less than its quotes")
