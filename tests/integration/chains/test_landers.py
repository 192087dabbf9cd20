"""The same bytes to several landers: one that lands them is enough, and one that swallows them costs nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from chains.lander_terms import rpc
from chains.landers import HANDED_OVER, MOST_WAITING
from chains.solana_client import SolanaChain
from tests.integration.chains.conftest import Node, Trader
from tests.stubs.jupiter import serving


@dataclass
class Lander:
    """``swallows``: it never answers; else it says "accepted"."""

    swallows: bool = False
    url: str = ""
    taken: list[Any] = field(default_factory=list)

    async def post(self, request: web.Request) -> web.Response:
        asked = json.loads(await request.text())
        for one in asked if isinstance(asked, list) else [asked]:
            self.taken.append(one["params"])
        if self.swallows:
            await asyncio.sleep(60)
        answers = [{"jsonrpc": "2.0", "id": one["id"], "result": "signature"} for one in
                   (asked if isinstance(asked, list) else [asked])]  # fmt: skip
        return web.json_response(answers if isinstance(asked, list) else answers[0])


@asynccontextmanager
async def landing(*landers: Lander) -> AsyncIterator[list[str]]:
    if not landers:
        yield []
        return
    async with serving(landers[0], web.post("/", landers[0].post)) as url, landing(*landers[1:]) as urls:
        yield [url, *urls]


async def test_the_same_bytes_go_to_each_and_nobody_waits_for_one_that_swallows_them(
    node: Node, trader: Trader
) -> None:
    takes, swallows = Lander(), Lander(swallows=True)
    async with landing(takes, swallows) as urls, SolanaChain(node.url, landers=[*map(rpc, urls)]) as chain:
        attempt = await trader.attempt(10_000_000)
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await chain.send(bytes(attempt.transaction)) == "accepted"
        assert loop.time() - began < 5
        async with asyncio.timeout(10):
            while not (takes.taken and swallows.taken):
                await asyncio.sleep(0.01)
            while not await chain.landing(attempt.sent, "confirmed"):
                await asyncio.sleep(0.02)
    assert takes.taken[0] == swallows.taken[0]
    assert takes.taken[0][1]["skipPreflight"] is True


async def test_one_that_swallows_everything_is_passed_over_in_the_end(node: Node) -> None:
    swallows = Lander(swallows=True)
    async with landing(swallows) as urls, SolanaChain(node.url, landers=[*map(rpc, urls)]) as chain:
        name = urls[0].removeprefix("http://")
        for _ in range(MOST_WAITING + 3):
            chain.landers.hand_over(bytes(65), beside="the node")
        assert HANDED_OVER.labels(name, "passed_over")._value.get() == 3


async def test_a_lander_that_nobody_reaches_changes_nothing(node: Node, trader: Trader) -> None:
    async with SolanaChain(node.url, landers=[rpc("http://127.0.0.1:1")]) as chain:
        attempt = await trader.attempt(11_000_000)
        assert await chain.send(bytes(attempt.transaction)) == "accepted"
        async with asyncio.timeout(10):
            while not await chain.landing(attempt.sent, "confirmed"):
                await asyncio.sleep(0.02)
