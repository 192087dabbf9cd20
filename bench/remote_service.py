"""A remote venue that takes its time: the stub of Raydium's Trade API, which quotes from the local chain's pool.

`python -m bench.remote_service PORT NODE_URL QUOTE_MS BUILD_MS`. The waits stand for somebody else's server; its quotes
are a little better than the pools', so that they are taken.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from aiohttp import web

from bench.product import SolanaPools, solana_pools
from tests.stubs.raydium import RaydiumStub

BETTER_BPS = 20
_BPS = 10_000


def better(answer: dict[str, Any]) -> dict[str, Any]:
    if answer["success"]:
        data = answer["data"]
        data["outputAmount"] = str(int(data["outputAmount"]) * (_BPS + BETTER_BPS) // _BPS)
    return answer


def application(pools: SolanaPools, quote_s: float, build_s: float) -> web.Application:
    stub = RaydiumStub(pools, edit_quote=better)

    async def quoted(request: web.Request) -> web.Response:
        await asyncio.sleep(quote_s)
        return await stub.compute(request)

    async def built(request: web.Request) -> web.Response:
        await asyncio.sleep(build_s)
        return await stub.transaction(request)

    async def health(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application()
    app.add_routes(
        [
            web.get("/health", health),
            web.get("/compute/swap-base-in", quoted),
            web.post("/transaction/swap-base-in", built),
        ]
    )
    return app


async def _serve(port: int, node: str, quote_s: float, build_s: float) -> None:
    async with solana_pools(node) as pools:
        runner = web.AppRunner(application(pools, quote_s, build_s))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    _, port, node, quote_ms, build_ms = sys.argv
    asyncio.run(_serve(int(port), node, int(quote_ms) / 1_000, int(build_ms) / 1_000))
