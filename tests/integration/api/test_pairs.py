"""Pairs as clients see them: on a real local node and a real log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from api.resting import WaitingCounts
from chains.solana_client import SolanaChain
from commands.ids import DEFAULT_ACCOUNT
from domain import commands as c
from domain.events import Observation
from domain.tokens import JUP, KNOWN_TOKENS, SOL, USDC, Pair, Token, TokenList, pair_of
from localnet.keys import MARKET_KEY
from localnet.market.price import move
from projections.orders.resting_orders import RestingOrders
from runtime.roles.api import prices_check
from tests.integration.api.serving import CONFIG, Engine, running
from tests.integration.conftest import TestDatabase
from tests.integration.localnet.local_node import LocalNode
from tests.ports import free_port
from venues.constant_product import PROGRAM_ID
from venues.feeds.agreement import AgreedPrices
from venues.pools import PoolBook
from venues.prices import PoolPrices, Prices

BUY = {"tokenIn": "USDC", "tokenOut": "SOL", "amountIn": "150"}
NOBODYS = Token(symbol="WIF", mint="EKpQGSJtjMFqKZ9KQanSqYXRcF8fBopzLHYxdM65zcjm", decimals=6)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNode]:
    port = free_port()
    served = LocalNode(tmp_path_factory.mktemp("localnet"), port, slot_ms=20)
    served.start()
    try:
        yield served
    finally:
        served.stop()


@pytest.fixture
async def traded(database: TestDatabase, node: LocalNode) -> AsyncIterator[Engine]:
    config = replace(CONFIG, tokens=TokenList((*KNOWN_TOKENS.tokens, NOBODYS)))
    async with running(database.app, config=config, rpc_url=node.url) as engine:
        engine.project()
        yield engine


async def pair(engine: Engine, name: str = "SOL-USDC") -> dict[str, Any]:
    answer = await engine.http.get(f"/api/pairs/{name}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def pair_once(engine: Engine, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The pair once the read model has come so far that ``holds`` says so."""
    deadline = time.monotonic() + 10
    while not holds(shown := await pair(engine)):
        assert time.monotonic() < deadline, shown
        await asyncio.sleep(0.02)
    return shown


async def test_a_pair_shows_its_touch_each_venues_price_and_depth_and_how_old_that_is(traded: Engine, node: LocalNode):
    await move(node.url, node.directory / MARKET_KEY, "JUP/USDC", Decimal("0.75"))
    shown = await pair(traded, "JUP-USDC")
    assert (shown["pair"], shown["network"]) == ("JUP/USDC", "localnet")
    assert shown["slot"] > 0
    assert 0 <= shown["ageSeconds"] <= 3
    assert shown["sell"] == {"touch": "0.7485", "restingOrders": 0}
    assert shown["buy"]["touch"] == "0.751503006012024049"
    assert [(one["venue"], one["feeBps"]) for one in shown["venues"]] == [
        ("Meteora", 20),
        ("Orca", 30),
        ("Raydium", 25),
    ]
    meteora = shown["venues"][0]
    assert meteora == {
        "venue": "Meteora",
        "feeBps": 20,
        "sell": shown["sell"]["touch"],
        "buy": shown["buy"]["touch"],
        "depthBase": "200000000",
        "depthQuote": "150000000",
    }
    assert shown["venues"][1]["sell"] == "0.74775"


async def test_the_network_lists_pairs_and_venues_once_the_node_has_told_them(traded: Engine):
    before = (await traded.http.get("/api/network")).json()
    assert (before["pairs"], before["venues"]) == ([], [])
    await pair(traded)
    after = (await traded.http.get("/api/network")).json()
    assert "SOL/USDC" in after["pairs"]
    assert after["venues"] == ["Meteora", "Orca", "Raydium"]


@pytest.mark.parametrize("name", ["SOL/USDC", "SOL%2FUSDC", "sol-usdc", f"{SOL.mint}/{USDC.mint}"])
async def test_a_pair_is_found_however_it_is_written(name: str, traded: Engine):
    assert (await pair(traded, name))["pair"] == "SOL/USDC"


async def test_the_price_is_the_chains_of_now(traded: Engine, node: LocalNode):
    before = await pair(traded)
    await move(node.url, node.directory / MARKET_KEY, "SOL/USDC", Decimal(160))
    # Reserves are read ten times a second, for everybody.
    async with asyncio.timeout(1):
        while abs(Decimal((after := await pair(traded))["sell"]["touch"]) - 160) > 1:
            await asyncio.sleep(0.05)
    assert abs(Decimal(after["sell"]["touch"]) / (160 * Decimal("0.998")) - 1) < Decimal("0.0001")
    assert after["slot"] > before["slot"]


async def test_resting_orders_are_counted_by_side_and_the_nearest_levels_shown(traded: Engine):
    await traded.submit()  # a market order never rests
    for limit in ("1000", "900.50", "2000"):
        await traded.submit(type="limit", limitPrice=limit)
    await traded.submit(type="stop-limit", stopPrice="40", limitPrice="39")
    await traded.submit(type="stop-limit", stopPrice="50", limitPrice="800")
    await traded.submit(**BUY, type="limit", limitPrice="10")
    await traded.submit(**BUY, type="limit", limitPrice="20")
    await traded.submit(**BUY, type="stop-limit", stopPrice="3000", limitPrice="3001")
    await traded.submit(**BUY, type="stop-limit", stopPrice="4000", limitPrice="4001")
    await traded.submit(tokenIn="JUP", type="limit", limitPrice="1000")
    shown = await pair_once(traded, lambda shown: shown["sell"]["restingOrders"] + shown["buy"]["restingOrders"] == 9)
    sell, buy = shown["sell"], shown["buy"]
    assert (sell["restingOrders"], sell["nearestLimit"], sell["nearestStop"]) == (5, "900.5", "50")
    assert (buy["restingOrders"], buy["nearestLimit"], buy["nearestStop"]) == (4, "20", "3000")


async def test_resting_orders_are_counted_at_most_once_a_second(traded: Engine):
    now = 0.0
    counts = WaitingCounts(RestingOrders(traded.pool), clock=lambda: now)

    async def sells() -> int:
        [found] = await counts.on(DEFAULT_ACCOUNT, [pair_of(SOL, USDC)])
        return found["sell"].orders

    assert await sells() == 0
    await traded.submit(type="limit", limitPrice="1000")
    await pair_once(traded, lambda shown: shown["sell"]["restingOrders"] == 1)
    now = 0.9
    assert await sells() == 0
    now = 1.0
    assert await sells() == 1
    # Another pair's answer is its own.
    [other] = await counts.on(DEFAULT_ACCOUNT, [pair_of(JUP, USDC)])
    assert other["sell"].orders == 0


async def test_a_stop_that_latched_waits_for_its_limit_and_an_order_that_fired_waits_no_more(traded: Engine):
    stop = await traded.submit(type="stop-limit", stopPrice="140", limitPrice="300")
    limit = await traded.submit(type="limit", limitPrice="200")
    waiting = await pair_once(traded, lambda shown: shown["sell"]["restingOrders"] == 2)
    assert (waiting["sell"]["nearestLimit"], waiting["sell"]["nearestStop"]) == ("200", "140")

    def seen(touch: str) -> c.ObservePrice:
        now = datetime.now(UTC)
        observation = Observation(source="pools", pair="SOL/USDC", slot=1, touch=Decimal(touch), observed_at=now)
        return c.ObservePrice(observation, False, now)

    await traded.tell(limit["orderId"], seen("201"))
    await traded.tell(stop["orderId"], seen("139"))
    after = await pair_once(traded, lambda shown: "nearestStop" not in shown["sell"])
    after = await pair_once(traded, lambda shown: shown["sell"]["restingOrders"] == 1) or after
    assert after["sell"]["nearestLimit"] == "300"


async def test_the_list_has_every_pair_some_venue_trades(traded: Engine):
    page = (await traded.http.get("/api/pairs")).json()
    assert page["next"] is None
    names = [one["pair"] for one in page["items"]]
    assert len(names) == 12
    assert names == sorted(names)
    assert {one["slot"] for one in page["items"]} == {page["items"][0]["slot"]}
    assert all(len(one["venues"]) == 3 for one in page["items"])


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("SOL-DOGE", "unknown_pair", "There is no pair SOL/DOGE here"),
        ("SOL", "unknown_pair", "There is no pair SOL/ here"),
        ("SOL/SOL", "unknown_pair", "There is no pair SOL/SOL here"),
        ("%C3%A4-a", "unknown_pair", "There is no pair \\xe4/a here"),
        ("USDC/SOL", "unknown_pair", "That pair reads SOL/USDC here."),
        ("WIF-USDC", "no_venue", "No venue trades WIF/USDC."),
    ],
)
async def test_a_pair_nobody_knows_or_holds_is_404(name: str, code: str, says: str, traded: Engine):
    answer = await traded.http.get(f"/api/pairs/{name}")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (404, code, "pair")
    assert answer.json()["detail"].startswith(says)


async def test_without_the_source_a_price_is_unavailable_and_worth_asking_for_again(engine: Engine):
    for path in ("/api/pairs", "/api/pairs/SOL/USDC"):
        answer = await engine.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "price_unavailable")
        assert answer.headers["retry-after"] == "1"
    assert (await engine.http.get("/api/pairs/SOL/DOGE")).json()["code"] == "unknown_pair"


async def test_a_slot_grows_old(node: LocalNode):
    async with SolanaChain(node.url) as chain:
        slot = (await chain.latest_blockhash()).slot
        young = await chain.slot_age(slot)
        async with asyncio.timeout(10):
            while await chain.slot_age(slot) < young + 2:
                await asyncio.sleep(0.1)
        assert young <= 3
        assert await chain.slot_age((await chain.latest_blockhash()).slot) < await chain.slot_age(slot)


class Halved(PoolPrices):
    """Half of what the pools pay and ask."""

    async def observe(self, pairs: Sequence[Pair]) -> Prices:
        seen = await super().observe(pairs)
        halved = {name: replace(one, sell=one.sell / 2, buy=one.buy / 2) for name, one in seen.pairs.items()}
        return Prices(seen.source, seen.slot, halved)


class Old(PoolPrices):
    """The pools as they are, at the first slot there was."""

    async def observe(self, pairs: Sequence[Pair]) -> Prices:
        seen = await super().observe(pairs)
        return Prices(seen.source, 1, seen.pairs)


async def test_readiness_says_when_the_newest_price_is_old_or_there_is_none(node: LocalNode):
    async with SolanaChain(node.url) as chain:
        assert await prices_check(chain.slot_age, PoolPrices(PoolBook(chain, PROGRAM_ID)), 5).probe() is None
        async with asyncio.timeout(10):
            while await chain.slot_age(1) <= 2:
                await asyncio.sleep(0.1)
        said = await prices_check(chain.slot_age, Old(PoolBook(chain, PROGRAM_ID)), 2).probe()
        assert said and said.startswith("the newest price is ") and said.endswith(" s old: it fires nothing")
        nowhere = PoolPrices(PoolBook(chain, SOL.mint))
        assert await prices_check(chain.slot_age, nowhere, 5).probe() == "no venue has a price of any pair"
        twice = AgreedPrices(
            PoolPrices(PoolBook(chain, PROGRAM_ID)), [Halved(PoolBook(chain, PROGRAM_ID))], most_bps=100
        )
        assert await prices_check(chain.slot_age, twice, 5).probe() == "the price sources agree on no pair"
    async with SolanaChain("http://127.0.0.1:1") as away:
        said = await prices_check(away.slot_age, PoolPrices(PoolBook(away, PROGRAM_ID)), 5).probe()
        assert said == "the prices can't be read: 127.0.0.1:1: ConnectError"


async def test_ten_thousand_resting_orders_cost_a_pair_little(traded: Engine, database: TestDatabase):
    order_id = UUID((await traded.submit(tokenIn="JUP", type="limit", limitPrice="1000"))["orderId"])
    await asyncio.to_thread(multiply, database, order_id, 10_000)
    shown = (await traded.http.get("/api/pairs/JUP-USDC")).json()
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        shown = await pair(traded, "JUP-USDC")
        took.append(time.perf_counter() - begun)
    assert (shown["sell"]["restingOrders"], shown["sell"]["nearestLimit"]) == (10_001, "1000")
    assert min(took) < 0.05, took


def multiply(database: TestDatabase, order_id: UUID, times: int) -> None:
    """Copy an order's row once it is there; each copy asks for a little more than the one before."""
    deadline = time.monotonic() + 10
    with database.connect() as connection:
        while not connection.execute("select from orders_v1 where order_id = %s", [order_id]).rowcount:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        connection.execute(
            """
            insert into orders_v1
            select gen_random_uuid(), account_id, status, version, "position", submitted_at, updated_at, first_position,
                   jsonb_set(state, '{limit_price}', to_jsonb((1000 + n)::text))
            from orders_v1, generate_series(1, %s) n
            where order_id = %s
            """,
            [times, order_id],
        )
