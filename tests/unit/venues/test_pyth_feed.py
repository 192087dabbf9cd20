"""Pyth's prices, from a stub of its Hermes interface in its documented shape."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from multidict import MultiMapping

from domain.tokens import KNOWN_TOKENS, SOL, USDC, pair_of
from tests.stubs.jupiter import serving
from tests.unit.venues.test_feeds import Clock
from venues.feeds.pyth import FEED_IDS, PythFeed, refused
from venues.feeds.ticks import FeedPrices
from venues.remote.budget import NoBudget
from venues.remote.service import Service

NOW = 1_764_000_000


@dataclass
class HermesStub:
    """``/v2/updates/price/latest``; ``body`` replaces the answer."""

    url: str = ""
    sol: dict[str, Any] = field(
        default_factory=lambda: {"price": "14747898462", "conf": "7120000", "expo": -8, "publish_time": NOW}
    )
    body: str | None = None
    status: int = 200
    asked: list[MultiMapping[str]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.query)
        self.keys.append(request.headers.get("authorization"))
        text = self.body if self.body is not None else json.dumps(self.shown())
        return web.Response(text=text, status=self.status, content_type="application/json")

    def shown(self) -> dict[str, Any]:
        dollar = {"price": "99990000", "conf": "10000", "expo": -8, "publish_time": NOW}
        parsed = [
            {"id": feed, "price": price, "ema_price": price, "metadata": {"slot": 138881186, "prev_publish_time": NOW}}
            for feed, price in ((FEED_IDS[SOL.mint], self.sol), (FEED_IDS[USDC.mint], dollar), ("ff" * 32, dollar))
        ]
        return {"binary": {"encoding": "hex", "data": ["504e4155"]}, "parsed": parsed}


@asynccontextmanager
async def pyth(every: float = 0.0, clock: Clock | None = None) -> AsyncIterator[tuple[HermesStub, PythFeed]]:
    stub = HermesStub()
    async with serving(stub, web.get("/hermes/v2/updates/price/latest", stub.answer)) as url:
        headers = {"authorization": "Bearer a key"}
        service = Service("pyth", f"{url}/hermes", budget=NoBudget(), refused=refused, timeout=2.0, headers=headers)
        yield stub, PythFeed(service, KNOWN_TOKENS.tokens, every=every, clock=clock or Clock())
        await service.close()


async def test_a_price_is_its_interval_and_all_are_asked_for_in_one_call_with_the_key() -> None:
    async with pyth(every=60.0) as (stub, feed):
        ticks = await feed.ticks()
        assert ticks.keys() == {SOL.mint, USDC.mint}
        assert (ticks[SOL.mint].bid, ticks[SOL.mint].ask) == (Decimal("147.40778462"), Decimal("147.55018462"))
        assert ticks[SOL.mint].at == NOW
        await feed.ticks()
        assert stub.asked[0].getall("ids[]") == [FEED_IDS[token.mint] for token in KNOWN_TOKENS.tokens]
        assert (len(stub.asked), stub.keys) == (1, ["Bearer a key"])


async def test_a_pair_is_made_of_them_as_long_as_they_are_fresh() -> None:
    clock = Clock()
    clock.now = NOW + 4.0
    async with pyth(clock=clock) as (_, feed):
        prices = FeedPrices(feed, max_age=5.0, clock=clock)
        price = (await prices.observe([pair_of(SOL, USDC)])).pairs["SOL/USDC"]
        assert price.sell == Decimal("147.40778462") / Decimal("1.0000") and price.buy > price.sell
        clock.now += 2.0
        assert not (await prices.observe([pair_of(SOL, USDC)])).pairs


async def test_an_older_price_never_replaces_a_newer_one() -> None:
    async with pyth() as (stub, feed):
        before = (await feed.ticks())[SOL.mint]
        stub.sol = {**stub.sol, "price": "1", "publish_time": NOW - 1}
        assert (await feed.ticks())[SOL.mint] == before


@pytest.mark.parametrize("later", [9_999_999_999, NOW * 1000, NOW + 6])
async def test_a_price_from_later_than_now_replaces_none_and_silences_none(later: int) -> None:
    clock = Clock()
    clock.now = float(NOW)
    async with pyth(clock=clock) as (stub, feed):
        prices, pair, right = FeedPrices(feed, max_age=5.0, clock=clock), pair_of(SOL, USDC), stub.sol
        before = await prices.observe([pair])
        stub.sol = {**right, "publish_time": later}
        assert await prices.observe([pair]) == before and before.pairs
        clock.now += 1
        stub.sol = {**right, "price": "15000000000", "publish_time": NOW + 1}
        after = await prices.observe([pair])
        assert after.slot == (NOW + 1) * 1000
        assert after.pairs["SOL/USDC"].buy > before.pairs["SOL/USDC"].buy


async def test_a_clock_a_little_ahead_of_ours_is_borne() -> None:
    clock = Clock()
    clock.now = NOW - 3.0
    async with pyth(clock=clock) as (_, feed):
        seen = await FeedPrices(feed, max_age=5.0, clock=clock).observe([pair_of(SOL, USDC)])
    assert seen.pairs and seen.slot == (NOW - 3) * 1000


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<html>"),
        (200, "[]"),
        (200, '{"binary": {"encoding": "hex", "data": []}}'),
        (200, '{"parsed": [{"id": "ID", "price": {"price": 150, "conf": "1", "expo": -8, "publish_time": 1}}]}'),
        (200, '{"parsed": [{"id": "ID", "price": {"price": "1e9", "conf": "1", "expo": -8, "publish_time": 1}}]}'),
        (200, '{"parsed": [{"id": "ID", "price": {"price": "1", "conf": "1", "expo": 999999, "publish_time": 1}}]}'),
        (200, '{"parsed": [{"id": "ID", "price": {"price": "1", "conf": "1", "expo": -8, "publish_time": LONG}}]}'),
        (200, '{"parsed": [{"id": "ID", "price": {"price": "1", "conf": "1", "expo": -8, "publish_time": 1e400}}]}'),
        (401, "Unauthorized"),
        (429, "Too many requests"),
        (500, "{}"),
    ],
)
async def test_an_answer_that_is_none_leaves_the_last_price_to_grow_old(status: int, body: str) -> None:
    async with pyth() as (stub, feed):
        before = dict(await feed.ticks())
        stub.status, stub.body = status, body.replace("ID", FEED_IDS[SOL.mint]).replace("LONG", "9" * 400)
        assert await feed.ticks() == before and before


async def test_a_price_whose_interval_reaches_zero_makes_no_pair() -> None:
    clock = Clock()
    clock.now = float(NOW)
    async with pyth(clock=clock) as (stub, feed):
        stub.sol = {**stub.sol, "conf": stub.sol["price"]}
        assert not (await FeedPrices(feed, max_age=5.0, clock=clock).observe([pair_of(SOL, USDC)])).pairs
