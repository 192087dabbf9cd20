"""Blocks of a local chain that pass at once, where a test would only wait for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import httpx2

from tests.plain_http import NO_AUTHORITIES

# What may be built meanwhile still has a second to land.
A_STEP, STEP_S = 30, 0.2
FINALITY = 32


def _request(count: int) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "localnet_skipBlocks", "params": [count]}


def skip_blocks(rpc_url: str, count: int) -> None:
    """``count`` empty blocks; what was sent and signed before is that much older."""
    answer = httpx2.post(rpc_url, json=_request(count), timeout=10, trust_env=False, verify=NO_AUTHORITIES).json()
    assert "result" in answer, answer


async def skip_blocks_of(rpc_url: str, count: int) -> int:
    """The same, for a chain in the test's own event loop; the newest height."""
    async with httpx2.AsyncClient(trust_env=False, verify=NO_AUTHORITIES) as client:
        answer = (await client.post(rpc_url, json=_request(count), timeout=10)).json()
    assert "result" in answer, answer
    return int(answer["result"])


async def pass_finalized(rpc_url: str, height: int) -> None:
    """Return once the finalized block is above ``height``: what may land until then has landed, or never will."""
    newest = await skip_blocks_of(rpc_url, 1)
    if (missing := height + 1 + FINALITY - newest) > 0:
        await skip_blocks_of(rpc_url, missing)


@contextmanager
def hurried_by_a_thread(rpc_url: str) -> Iterator[None]:
    """As ``hurried``, for who waits without an event loop."""
    done = threading.Event()

    def hurry() -> None:
        while not done.wait(STEP_S):
            skip_blocks(rpc_url, A_STEP)

    with ThreadPoolExecutor(1) as pool:
        hurrying = pool.submit(hurry)
        try:
            yield
        finally:
            done.set()
            hurrying.result()


@asynccontextmanager
async def hurried(rpc_url: str) -> AsyncIterator[None]:
    """Blocks pass several times as fast meanwhile, for a wait whose end only blocks bring."""

    async def hurry() -> None:
        while True:
            await skip_blocks_of(rpc_url, A_STEP)
            await asyncio.sleep(STEP_S)

    task = asyncio.create_task(hurry())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
