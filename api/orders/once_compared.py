"""A cancel that comes as the engine begins waits until the wallet's history was compared with the log.

That takes some blocks; a client who has just seen the engine come back would else be refused for seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from domain.errors import DomainError

PATIENCE_S = 8.0
_AGAIN_S = 0.1
T = TypeVar("T")


async def once_compared(ask: Callable[[], Awaitable[T]]) -> T:
    """What ``ask`` returns. Raises what it does, ``DomainError("history_not_compared")`` once that has lasted."""
    clock = asyncio.get_running_loop().time
    until = clock() + PATIENCE_S
    while True:
        try:
            return await ask()
        except DomainError as refused:
            if refused.code != "history_not_compared" or clock() >= until:
                raise
        await asyncio.sleep(_AGAIN_S)
