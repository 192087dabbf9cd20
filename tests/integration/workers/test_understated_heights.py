"""The main endpoint understates every height at the signing, while the honest one is slow to say its own, and holds
back what it is sent: nothing that it may still let go of is called over.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from solders.transaction import VersionedTransaction

from chains.solana_client import SolanaChain
from domain.events import AttemptExpired, TransactionBuilt
from domain.evidence import ExpiryEvidence, GuardAbsence
from domain.reclaim_events import ReclaimExpired
from tests.integration.chains.endpoint_server import Request, http, serving
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_execution import QUICK
from tests.integration.workers.test_reclaim import SHORT, confirmed, past_its_height, reclaims

BY = 140  # blocks: what is signed seems to be over 10 blocks later, and lives for 150
BETWEEN = 20  # blocks that may come between an endpoint's words about its height and about the blockhash
SLOW_S = 1.5  # longer than anybody waits for another endpoint's height


@dataclass
class Proxy:
    """The node. It may lie: understate heights and keep what it is sent. Slow, it says its own height too late."""

    node: httpx2.AsyncClient
    lies: bool = False
    slow: bool = False

    async def __call__(self, request: Request | list[Request]) -> bytes:
        if isinstance(request, list):
            return http(json.dumps([await self._one(one) for one in request]).encode())
        return http(json.dumps(await self._one(request)).encode())

    async def _one(self, request: Request) -> Any:
        method, params = request["method"], request.get("params")
        if self.lies and method == "sendTransaction":
            sent = VersionedTransaction.from_bytes(base64.b64decode(params[0]))
            return {"jsonrpc": "2.0", "id": request["id"], "result": str(sent.signatures[0])}
        is_signing = method == "getBlockHeight" and params[0]["commitment"] == "confirmed"
        if is_signing and self.slow:
            await asyncio.sleep(SLOW_S)
        answer = (await self.node.post("/", json=request)).json()
        if self.lies and is_signing:
            answer["result"] -= BY
        if self.lies and method == "getLatestBlockhash":
            answer["result"]["value"]["lastValidBlockHeight"] -= BY
        return answer


@asynccontextmanager
async def two_endpoints(engine: EngineHarness, rpc_url: str) -> AsyncIterator[tuple[Proxy, Proxy]]:
    """The engine's chain by two that are both true yet, at a height from which so much can be understated."""
    async with httpx2.AsyncClient(base_url=rpc_url) as node:
        main, second = Proxy(node), Proxy(node)
        async with serving(main) as url, serving(second) as other, SolanaChain(url, extra_urls=[other]) as engine.chain:
            await until(lambda: reached(engine, BY + 20))
            yield main, second


async def reached(engine: EngineHarness, height: int) -> bool:
    return await engine.chain.block_height("finalized") > height


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(40):
        while not await holds():
            await asyncio.sleep(0.05)


async def test_an_order_is_not_called_over_while_its_swap_may_land(engine: EngineHarness, rpc_url: str) -> None:
    async with two_endpoints(engine, rpc_url) as (main, second):
        main.lies = second.slow = True
        engine.start_projector()
        engine.start_sweeper()
        engine.start_worker()
        engine.start_tracker(replace(QUICK, guards=0.2))
        order_id = await engine.submit(type="limit", limit_price=Decimal(100), time_in_force="ioc")
        order = await engine.until(order_id, lambda order: order.ended, within=40)
        events = (await engine.history(order_id)).events
        await engine.stop()
    built = {event.attempt: event for event in events if isinstance(event, TransactionBuilt)}
    assert order.cancellation and order.attempts[0].end == "expired"
    for event in events:
        if isinstance(event, AttemptExpired):
            assert isinstance(event.evidence, ExpiryEvidence)
            truly = built[event.attempt].last_valid_block_height + BY
            shown = [one for one in event.evidence.endpoints if isinstance(one, GuardAbsence)]
            assert shown and all(one.finalized_height > truly - BETWEEN for one in shown)


@pytest.mark.usefixtures("looks_often")
async def test_a_reclaim_is_not_called_over_while_it_may_land(engine: EngineHarness, rpc_url: str) -> None:
    async with two_endpoints(engine, rpc_url) as (main, second):
        [order_id] = await confirmed(engine)
        await past_its_height(engine, order_id)
        main.lies = second.slow = True
        engine.start_reclaimer(SHORT)

        async def is_over() -> bool:
            return any(one.end for one in await reclaims(engine))

        await until(is_over)
        await engine.stop()
    reclaim = next(one for one in await reclaims(engine) if one.end)
    assert isinstance(reclaim.end, ReclaimExpired)
    assert reclaim.end.height > reclaim.built.last_valid_block_height + BY - BETWEEN
