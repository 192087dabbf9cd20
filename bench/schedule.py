"""An open loop: when each request should be sent, whatever became of the ones before it.

A client that waits for an answer before it sends the next request asks less while the server is slow, and so doesn't
see most of the slowness. Here each request has its instant beforehand, and what is measured counts from that instant:
a request that the client itself sends late is late for the one who wanted it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# Time for the first request to be on time, too.
LEAD_S = 0.1


def instants(begin: float, rate: float, count: int) -> list[float]:
    """``count`` instants from ``begin`` on, ``rate`` a second, evenly spaced."""
    if rate <= 0:
        raise ValueError(f"a rate is above 0, not {rate}")
    return [begin + n / rate for n in range(count)]


async def open_loop(rate: float, count: int, send: Callable[[float], Coroutine[Any, Any, T]]) -> list[T]:
    """Start ``send(instant)`` at each instant of the loop's clock, and wait for all; their results in that order.

    The first error ends the rest.
    """
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[T]] = []
    async with asyncio.TaskGroup() as group:
        for instant in instants(loop.time() + LEAD_S, rate, count):
            if (wait := instant - loop.time()) > 0:
                await asyncio.sleep(wait)
            tasks.append(group.create_task(send(instant)))
    return [task.result() for task in tasks]
