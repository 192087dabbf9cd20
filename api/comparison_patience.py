"""A cancel or an amendment that comes as the engine begins waits until the wallet's history was compared with the log.

That takes some blocks; a client who has just seen the engine come back would else be refused for seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from domain.errors import DomainError

# Less than many clients wait for an answer.
PATIENCE_S = 4.0
_AGAIN_S = 0.1
T = TypeVar("T")
IsCompared = Callable[[UUID], Awaitable[bool]]
"""Whether the history of an account's wallet was compared with the log since this process began."""


async def until_compared(compared: IsCompared, account_id: UUID) -> None:
    """Return once it was, or once that takes too long: what is asked then says so. A request waits once, whatever it
    asks for.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + PATIENCE_S
    while True:
        if await compared(account_id) or clock() >= until:
            return
        await asyncio.sleep(_AGAIN_S)


async def once_compared(compared: IsCompared, account_id: UUID, ask: Callable[[], Awaitable[T]]) -> T:
    """What ``ask`` returns, asked again after the comparison where it is refused for want of it: most isn't."""
    try:
        return await ask()
    except DomainError as early:
        if early.code != "history_not_compared":
            raise
    await until_compared(compared, account_id)
    return await ask()
