"""What `surefill doctor` says of price sources: each by itself, once it has had a moment to speak."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any, cast

import pytest
from aiohttp import web
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from domain.codes import Code
from domain.tokens import KNOWN_TOKENS, SOL, USDT
from runtime.doctor.finding import Finding
from runtime.doctor.venues import look_at_prices
from runtime.price_sources import PriceService, open_prices
from runtime.settings import Settings
from tests.stubs.jupiter import serving
from tests.unit.venues.test_remote_feeds import PriceStub, ticker
from venues.errors import VenueError
from venues.jupiter.client import refused
from venues.pools import PoolBook
from venues.remote.budget import NoBudget


@asynccontextmanager
async def binance(*, after: float = 0.3, price: str = "150") -> AsyncIterator[str]:
    """A stream that says each token's price once, ``after`` so many seconds."""

    async def handle(socket: ServerConnection) -> None:
        # Not a sleep: a server that is closed waits for its handlers.
        with suppress(TimeoutError):
            await asyncio.wait_for(socket.wait_closed(), after)
        with suppress(ConnectionClosed):
            for token in KNOWN_TOKENS.tokens:
                if token != USDT:
                    one = price if token == SOL else "1"
                    await socket.send(json.dumps(ticker(f"{token.symbol}USDT", one, one)))
        await socket.wait_closed()

    async with serve(handle, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


def prices_of_all() -> str:
    said = {token.mint: {"usdPrice": 150 if token == SOL else 1, "blockId": 5} for token in KNOWN_TOKENS.tokens}
    return json.dumps(said)


async def looked(*sources: str, patience: float = 5.0, **changes: Any) -> list[Finding]:
    asked = Settings(price_source=",".join(sources), **changes)

    async def slot_age(_: int) -> int:
        return 0

    # No chain: none of these sources reads one.
    async with open_prices(asked, cast(PoolBook, None), slot_age) as prices:
        return await look_at_prices(prices, patience=patience)


async def test_a_socket_has_a_moment_for_its_first_prices() -> None:
    began = monotonic()
    async with binance() as url:
        [found] = await looked("binance", binance_url=url)
    assert found.verdict == "well"
    assert found.sentence.startswith("binance has ")
    assert monotonic() - began < 4.0


async def test_a_socket_where_nothing_comes_is_named() -> None:
    async with binance(after=60.0) as url:
        [found] = await looked("binance", binance_url=url, patience=0.6)
    assert (found.verdict, found.sentence) == ("look", "binance has a price of no pair")
    assert "BINANCE_URL" in found.advice


async def test_a_source_that_has_prices_does_not_hide_another_that_has_none() -> None:
    jupiter = PriceStub(body=prices_of_all())
    async with serving(jupiter, web.get("/", jupiter.answer)) as url, binance(after=60.0) as stream:
        found = await looked("jupiter", "binance", patience=0.6, jupiter_price_url=url, binance_url=stream)
    assert [(one.verdict, one.sentence) for one in found] == [
        ("well", "jupiter has 15 pairs"),
        ("look", "binance has a price of no pair"),
        ("look", "jupiter+binance agree on no pair"),
    ]


async def test_sources_that_agree_are_well_and_such_as_do_not_are_named() -> None:
    jupiter = PriceStub(body=prices_of_all())
    async with serving(jupiter, web.get("/", jupiter.answer)) as url:
        async with binance() as stream:
            agreeing = await looked("jupiter", "binance", jupiter_price_url=url, binance_url=stream)
        # SOL and USDT make one pair, and that is the one they differ on.
        both = {mint: one for mint, one in json.loads(prices_of_all()).items() if mint in (SOL.mint, USDT.mint)}
        jupiter.body = json.dumps(both)
        async with binance(price="15") as stream:
            found = await looked("jupiter", "binance", patience=4.0, jupiter_price_url=url, binance_url=stream)
    assert [one.verdict for one in agreeing] == ["well", "well", "well"]
    assert agreeing[2].sentence.startswith("jupiter+binance agree on ")
    assert [one.verdict for one in found] == ["well", "well", "look"]
    assert found[2].sentence == "jupiter+binance disagree on SOL/USDT"
    assert "PRICE_AGREEMENT_BPS" in found[2].advice


KEY = "hunter2-hunter2"


@pytest.mark.parametrize("source", ["jupiter", "pyth"])
async def test_a_key_that_is_refused_is_named_and_never_said(source: str) -> None:
    """Also where the service repeats it; and it is asked once."""
    asked = []

    async def refuse(request: web.Request) -> web.Response:
        asked.append(request.headers.get("x-api-key") or request.headers["authorization"])
        return web.json_response({"error": f"Invalid API key: {KEY}"}, status=401)

    async with serving(PriceStub(), web.get("/{any:.*}", refuse)) as url:
        keys = {"jupiter_api_key": KEY, "pyth_api_key": KEY}
        [found] = await looked(source, jupiter_price_url=url, pyth_url=url, **keys)
    assert (found.verdict, found.sentence) == ("look", f"{source} has a price of no pair: venue_unauthorized")
    assert f"check {source.upper()}_API_KEY" in found.advice
    assert KEY not in str(found)
    assert len(asked) == 1
    assert KEY in asked[0]


@pytest.mark.parametrize("source", ["jupiter", "pyth"])
async def test_a_service_where_nobody_is_is_another_finding_than_a_refused_key(source: str) -> None:
    [found] = await looked(source, jupiter_price_url="http://127.0.0.1:1", pyth_url="http://127.0.0.1:1")
    assert found.sentence == f"{source} has a price of no pair: venue_unavailable"
    assert "check its address" in found.advice


async def test_a_service_that_answers_again_has_not_failed() -> None:
    stub = PriceStub(status=503)
    async with serving(stub, web.get("/", stub.answer)) as url:
        service = PriceService("prices", url, budget=NoBudget(), refused=refused, timeout=2.0)
        with pytest.raises(VenueError):
            await service.get("", {}, bytes)
        failed, stub.status = service.failed, 200
        await service.get("", {}, bytes)
        await service.close()
    assert (failed, service.failed) == (Code.VENUE_UNAVAILABLE, None)
