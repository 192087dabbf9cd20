"""Remote venues in a storm: stubs in the services' documented shapes, whose swaps are the local chain's, and which fail
now and then in each way that is documented.

They know the chain as it is, past what ails the engine's node.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from aiohttp import web

from chains.errors import ChainUnavailableError
from chains.solana_client import SolanaChain
from tests.stubs.jupiter import JupiterStub
from tests.stubs.raydium import RaydiumStub
from venues.constant_product import PROGRAM_ID
from venues.pools import PoolBook

# Of a hundred requests so many are answered by each, the others well.
_FAULTS = {"limited": 3, "page": 2, "half": 2, "hangs": 2, "slow": 6, "error": 2}
_SLOW_S, _HANGS_S, _LIMITED_S = 0.7, 30.0, 2
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Adapters:
    """Jupiter's and Raydium's stubs at ``settings``, once opened; ``struck`` counts what was answered otherwise."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(f"venues {seed}")
        self._stack = AsyncExitStack()
        self._well = False
        self.struck: Counter[str] = Counter()
        self.settings: dict[str, str] = {}

    async def open(self, rpc_url: str) -> None:
        """``rpc_url`` is where the truth about the chain is asked."""
        chain = await self._stack.enter_async_context(SolanaChain(rpc_url))
        book = PoolBook(chain, PROGRAM_ID)
        jupiter, raydium = JupiterStub(book), RaydiumStub(book)
        app = web.Application(middlewares=[self._unruly])
        app.add_routes([web.get("/swap/v2/build", jupiter.build), *raydium.routes()])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.settings = {
            "VENUES": "jupiter,meteora,orca,raydium",
            "JUPITER_URL": f"{url}/swap/v2",
            "RAYDIUM_URL": url,
            "JUPITER_REQUESTS_PER_MINUTE": "100000",
            "RAYDIUM_REQUESTS_PER_MINUTE": "100000",
            "PROGRAMS_ALLOWED": PROGRAM_ID,
        }

    def heal(self) -> None:
        """From here on each request is answered well."""
        self._well = True

    async def close(self) -> None:
        await self._stack.aclose()

    @web.middleware
    async def _unruly(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = "none" if self._well else self._drawn()
        if fault != "none":
            self.struck[fault] += 1
        match fault:
            case "limited":
                reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + _LIMITED_S)}
                text = "[API Gateway] Too many requests"
                return web.json_response({"error": text}, status=429, headers=reset)
            case "page":
                return web.Response(status=503, text="<html>maintenance</html>", content_type="text/html")
            case "error":
                return web.json_response({"error": "Internal server error"}, status=500)
            case "slow":
                await asyncio.sleep(_SLOW_S)
            case "hangs":
                await asyncio.sleep(_HANGS_S)
        try:
            answer = await handler(request)
        except ChainUnavailableError:
            # The node is being started again, or stands still: the service has no state of the chain either.
            return web.json_response({"error": "Internal server error"}, status=500)
        if fault == "half" and isinstance(answer, web.Response) and isinstance(answer.body, bytes):
            return web.Response(body=answer.body[: len(answer.body) // 2], content_type="application/json")
        return answer

    def _drawn(self) -> str:
        names = (*_FAULTS, "none")
        return self._dice.choices(names, (*_FAULTS.values(), 100 - sum(_FAULTS.values())))[0]
