"""Feeds of others, from stubs in their documented shapes: reconnects, frozen prices, and answers that are none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from time import time
from typing import Any

import pytest
from aiohttp import web
from websockets.asyncio.server import ServerConnection, serve

from domain.tokens import KNOWN_TOKENS, SOL, USDC, USDT, pair_of
from tests.contract.descriptions.exchange import Exchange, keep_where_asked
from tests.stubs.jupiter import serving
from tests.unit.venues.test_feeds import Clock
from venues.feeds.binance import ANEW_S, BinanceFeed
from venues.feeds.jupiter import JupiterFeed
from venues.feeds.ticks import FeedPrices
from venues.jupiter.client import refused
from venues.remote.budget import NoBudget
from venues.remote.service import Service


@dataclass
class PriceStub:
    """``/price/v3`` as documented; ``body`` replaces the answer."""

    url: str = ""
    price: str = "147.4789846291"
    block: int | None = 348_004_023
    body: str | None = None
    status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query))
        text = self.body if self.body is not None else self.text()
        return web.Response(text=text, status=self.status, content_type="application/json")

    def text(self) -> str:
        one = {"createdAt": "2024-06-05T08:55:25.527Z", "liquidity": 621679197.67, "decimals": 9}
        shown = json.dumps(one | {"blockId": self.block, "priceChange24h": 1.29, "usdPrice": "PRICE"})
        return f'{{"{SOL.mint}": {shown.replace(chr(34) + "PRICE" + chr(34), self.price)}}}'


@asynccontextmanager
async def jupiter(clock: Clock, every: float = 0.0) -> AsyncIterator[tuple[PriceStub, JupiterFeed]]:
    stub = PriceStub()
    async with serving(stub, web.get("/price/v3", stub.answer)) as url:
        service = Service("prices", f"{url}/price/v3", budget=NoBudget(), refused=refused, timeout=2.0)
        yield stub, JupiterFeed(service, KNOWN_TOKENS.tokens, every=every, clock=clock)
        await service.close()


async def test_jupiters_prices_keep_every_digit_and_are_asked_for_in_one_call() -> None:
    async with jupiter(Clock(), every=60.0) as (stub, feed):
        ticks = await feed.ticks()
        assert {mint: (tick.bid, tick.ask) for mint, tick in ticks.items()} == {
            SOL.mint: (Decimal("147.4789846291"), Decimal("147.4789846291"))
        }
        await feed.ticks()
        assert len(stub.asked) == 1
        assert stub.asked[0]["ids"].split(",") == [token.mint for token in KNOWN_TOKENS.tokens]


async def test_a_price_of_the_same_block_grows_old_whatever_is_answered() -> None:
    clock = Clock()
    async with jupiter(clock) as (stub, feed):
        first = (await feed.ticks())[SOL.mint].at
        clock.now += 60
        assert (await feed.ticks())[SOL.mint].at == first
        stub.block = 348_004_024
        assert (await feed.ticks())[SOL.mint].at == clock.now


async def test_a_price_of_no_block_grows_old_while_it_is_the_same() -> None:
    """An answer is no news by itself: a price that nobody computes any more is answered again and again."""
    clock = Clock()
    async with jupiter(clock) as (stub, feed):
        stub.block = None
        first = (await feed.ticks())[SOL.mint].at
        clock.now += 60
        assert (await feed.ticks())[SOL.mint].at == first
        assert (await FeedPrices(feed, max_age=5.0, clock=clock).observe([pair_of(SOL, USDC)])).pairs == {}
        stub.price = "147.5"
        assert (await feed.ticks())[SOL.mint].at == clock.now


async def test_a_block_that_is_left_out_now_and_then_makes_no_old_price_new() -> None:
    clock = Clock()
    async with jupiter(clock) as (stub, feed):
        first = (await feed.ticks())[SOL.mint].at
        for block in (None, 348_004_023, None):
            clock.now += 2
            stub.block = block
            assert (await feed.ticks())[SOL.mint].at == first
        # Nor one that was said anew any older: the price may have stood still while its blocks went on.
        stub.block = 348_004_024
        anew = (await feed.ticks())[SOL.mint].at
        clock.now, stub.block = clock.now + 2, None
        assert anew > first and (await feed.ticks())[SOL.mint].at == anew


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<html>"),
        (200, "[]"),
        (200, f'{{"{SOL.mint}": {{"usdPrice": "150", "blockId": 1}}}}'),
        (200, f'{{"{SOL.mint}": {{"blockId": 1}}}}'),
        (200, f'{{"{SOL.mint}": {{"usdPrice": NaN, "blockId": 1}}}}'),
        (200, f'{{"{SOL.mint}": {{"usdPrice": 1e99999999999999999999, "blockId": 1}}}}'),
        (200, f'{{"{SOL.mint}": {{"usdPrice": 150, "blockId": 1e999999999}}}}'),
        (200, f'{{"{SOL.mint}": {{"usdPrice": 150, "blockId": 9223372036854775808}}}}'),
        (200, f'{{"{SOL.mint}": {{"usdPrice": 150, "blockId": -1}}}}'),
        (429, "Too many requests"),
        (500, "{}"),
    ],
)
async def test_an_answer_that_is_none_leaves_the_last_price_to_grow_old(status: int, body: str) -> None:
    async with jupiter(Clock()) as (stub, feed):
        before = dict(await feed.ticks())
        stub.status, stub.body = status, body
        assert await feed.ticks() == before


@pytest.mark.parametrize("odd", ["null", '{"usdPrice": null, "blockId": 1}', '{"decimals": 6}'])
async def test_a_token_without_a_price_takes_no_other_s_with_it(odd: str) -> None:
    clock = Clock()
    async with jupiter(clock) as (stub, feed):
        stub.body = f'{stub.text()[:-1]}, "{USDC.mint}": {odd}, "{USDT.mint}": {{"usdPrice": 1}}}}'
        assert (await feed.ticks()).keys() == {SOL.mint, USDT.mint}


@pytest.mark.parametrize("wild", ["1e1000000", "1e-1000000", "-1e1000000"])
async def test_a_wild_price_of_jupiters_makes_no_pair_and_ends_nothing(wild: str) -> None:
    clock = Clock()
    async with jupiter(clock) as (stub, feed):
        stub.price, dollar = wild, f'"{USDC.mint}": {{"usdPrice": 1, "blockId": 1}}'
        stub.body = f"{stub.text()[:-1]}, {dollar}}}"
        seen = await FeedPrices(feed, max_age=5.0, clock=clock).observe([pair_of(SOL, USDC), pair_of(USDC, USDT)])
        assert seen.pairs == {}
        assert (await feed.ticks()).keys() == {SOL.mint, USDC.mint}


@dataclass
class TickerStub:
    """Binance's combined stream: each connection gets ``messages``, then ``then`` decides."""

    messages: list[Any] = field(default_factory=list)
    then: Callable[[ServerConnection], Any] | None = None
    paths: list[str] = field(default_factory=list)

    async def handle(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.paths.append(socket.request.path)
        for message in self.messages:
            await socket.send(message if isinstance(message, str) else json.dumps(message))
        if self.then:
            await self.then(socket)
        else:
            await socket.wait_closed()


def ticker(symbol: str, bid: str, ask: str, update: Any = 400900217) -> dict[str, Any]:
    data = {"u": update, "s": symbol, "b": bid, "B": "31.21", "a": ask, "A": "40.66"}
    return {"stream": f"{symbol.lower()}@bookTicker", "data": data}


@asynccontextmanager
async def binance(
    stub: TickerStub, silence: float = 5.0, clock: Callable[[], float] = time
) -> AsyncIterator[BinanceFeed]:
    async with serve(stub.handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        feed = BinanceFeed(f"ws://127.0.0.1:{port}", KNOWN_TOKENS.tokens, silence=silence, clock=clock)
        running = asyncio.create_task(feed.run())
        try:
            yield feed
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


async def test_book_tickers_are_ticks_and_usdt_is_a_dollar() -> None:
    stub = TickerStub([ticker("SOLUSDT", "149.98", "150.02"), ticker("USDCUSDT", "0.9999", "1.0001")])
    async with binance(stub) as feed:
        await until(lambda: len(feed._ticks) == 2)
        ticks = await feed.ticks()
    assert (ticks[SOL.mint].bid, ticks[SOL.mint].ask) == (Decimal("149.98"), Decimal("150.02"))
    assert ticks.keys() == {SOL.mint, USDC.mint, USDT.mint}
    assert ticks[USDT.mint].bid == 1
    assert stub.paths[0].startswith("/stream?streams=solusdt@bookTicker/usdcusdt@bookTicker/")
    assert "usdtusdt" not in stub.paths[0]


async def test_what_is_no_ticker_is_passed_over() -> None:
    odd = ["no JSON", "[]", {"stream": "x", "data": {}}, {"result": None, "id": 1}, ticker("SOLUSDT", "-1", "1"),
           ticker("SOLUSDT", "2", "1"), ticker("SOLUSDT", "x", "1"), ticker("DOGEUSDT", "1", "1"),
           ticker("SOLUSDT", "1e1000000", "1e1000000"), ticker("SOLUSDT", "1e99999999999999999999", "1")]  # fmt: skip
    async with binance(TickerStub([*odd, ticker("SOLUSDT", "150", "150")])) as feed:
        await until(lambda: feed._ticks)
        assert (await feed.ticks()).keys() == {SOL.mint, USDT.mint}
        assert (await feed.ticks())[SOL.mint].bid == 150


@pytest.mark.parametrize("how", ["closes", "shuts down", "is silent"])
async def test_it_connects_again_whatever_ended_it(how: str) -> None:
    stub = TickerStub([ticker("SOLUSDT", "150", "150")])

    async def closes(socket: ServerConnection) -> None:
        await socket.close()

    async def says_so(socket: ServerConnection) -> None:
        await socket.send(json.dumps({"e": "serverShutdown", "E": 1_770_123_456_789}))
        await socket.wait_closed()

    stub.then = {"closes": closes, "shuts down": says_so, "is silent": None}[how]
    async with binance(stub, silence=0.2) as feed:
        await until(lambda: len(stub.paths) >= 2)
        assert (await feed.ticks())[SOL.mint].bid == 150


async def test_the_same_update_grows_old_however_often_it_comes_and_over_whichever_connection() -> None:
    clock = Clock()

    async def again_and_again(socket: ServerConnection) -> None:
        await until(lambda: feed._ticks)
        clock.now += 600
        await socket.send(json.dumps(ticker("SOLUSDT", "150", "150")))
        await socket.send(json.dumps(ticker("USDCUSDT", "1", "1", 5 + len(stub.paths))))
        await socket.close()

    stub = TickerStub([ticker("SOLUSDT", "150", "150")], again_and_again)
    began = clock.now
    async with binance(stub, clock=clock) as feed:
        await until(lambda: len(stub.paths) >= 3 and USDC.mint in feed._ticks)
        ticks = await feed.ticks()
        seen = await FeedPrices(feed, max_age=5.0, clock=clock).observe([pair_of(SOL, USDC)])
    assert ticks[SOL.mint].at == began
    assert ticks[USDC.mint].at >= began + 600
    assert seen.pairs == {}


@pytest.mark.parametrize(
    ("update", "later", "taken"),
    [(8, 0.0, True), (7, 3600.0, False), (6, 0.0, False), (6, ANEW_S, False), (6, ANEW_S + 1, True)],
    ids=["newer", "the same", "older", "older, for long", "begun anew"],
)
async def test_a_books_updates_only_grow_but_where_it_was_begun_anew(update: int, later: float, taken: bool) -> None:
    clock = Clock()
    feed = BinanceFeed("ws://nowhere", KNOWN_TOKENS.tokens, clock=clock)
    feed._take(json.dumps(ticker("SOLUSDT", "150", "150", 7)))
    began = clock.now
    clock.now += later
    feed._take(json.dumps(ticker("SOLUSDT", "140", "140", update)))
    tick = (await feed.ticks())[SOL.mint]
    assert (str(tick.bid), tick.at) == (("140", clock.now) if taken else ("150", began))


@pytest.mark.parametrize("update", [None, "7", -1, 2**63, True, 7.5])
async def test_what_does_not_say_which_update_it_is_makes_no_price(update: Any) -> None:
    feed = BinanceFeed("ws://nowhere", KNOWN_TOKENS.tokens, clock=Clock())
    feed._take(json.dumps(ticker("SOLUSDT", "150", "150", update)))
    assert await feed.ticks() == {}


async def test_before_anything_came_there_is_no_price() -> None:
    async with binance(TickerStub()) as feed:
        assert await feed.ticks() == {}


async def test_client_and_stub_of_prices_are_recorded_for_the_official_description() -> None:
    async with jupiter(Clock()) as (stub, feed):
        assert await feed.ticks()
    keep_where_asked(
        Exchange(
            description="price_v3_price.yaml",
            url="https://api.jup.ag",
            method="get",
            path="/price/v3",
            query=query,
            headers={"x-api-key": "a key"},
            answer=stub.text(),
        )
        for query in stub.asked
    )
