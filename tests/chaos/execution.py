"""The execution side at a test's pace, and what a test waits for.

Time is counted in blocks, as the engine's proofs count it: minutes of mainnet are blocks closed at once, and the test
waits until the engine has asked often enough to have been wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from domain.order import Order
from tests.chaos.node import FaultyNode
from tests.chaos.verdict import landed
from tests.integration.workers.harness import EngineHarness
from workers.tracker.tracker import Pace

QUICK = Pace(poll=0.02, poll_ended=0.05, rebroadcast=0.1, first_send=0.2, heights=0.05, proof=0.1, rows=0.5, guards=0.2)
PAST_ITS_LIFE = 200  # blocks: the 150 of a blockhash, the 32 to finality, and some
TEN_MINUTES = 1_500  # blocks of 400 ms


def execute(engine: EngineHarness) -> None:
    engine.start_projector()
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker(QUICK)


async def until(holds: Callable[[], Awaitable[Any]], within: float = 15) -> None:
    deadline = asyncio.get_running_loop().time() + within
    while not await holds():
        assert asyncio.get_running_loop().time() < deadline, "not in time"
        await asyncio.sleep(0.02)


async def asked(node: FaultyNode, method: str, times: int) -> None:
    """Return once ``method`` was called so often from now on."""
    before = (await node.report())["calls"].get(method, 0)

    async def enough() -> bool:
        return bool((await node.report())["calls"].get(method, 0) >= before + times)

    await until(enough)


async def on_chain(node: FaultyNode, order_id: UUID) -> list[dict[str, Any]]:
    return (await landed(node))[order_id]


def undecided(order: Order) -> bool:
    return order.status == "submitted" and [attempt.end for attempt in order.attempts] == [None]
