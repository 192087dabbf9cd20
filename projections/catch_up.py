"""Waiting until a read model has come to a position: one poll of the database at a time, for all who wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

POLL = 0.05


class PositionWaiter:
    """``position`` asks how far the read model has come. One a process; it asks while somebody waits."""

    def __init__(self, position: Callable[[], Awaitable[int]], *, poll: float = POLL) -> None:
        self._position = position
        self._poll = poll
        self._waiting: dict[asyncio.Future[None], int] = {}
        self._joined = asyncio.Event()
        self._asking: asyncio.Task[None] | None = None

    async def wait_for(self, position: int, patience: float) -> None:
        """Return once ``position`` is reached; TimeoutError after ``patience`` seconds. Raises what asking raises."""
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[reached] = position
        self._joined.set()
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="arrivals")
        try:
            async with asyncio.timeout(patience):
                await reached
        finally:
            del self._waiting[reached]

    async def _ask(self) -> None:
        while self._waiting:
            # Before the question: who joins during it may have been answered too early, and is asked for at once.
            self._joined.clear()
            try:
                come = await self._position()
            except Exception as error:  # noqa: BLE001  # theirs who wait; the next one asks anew
                for reached in self._open():
                    reached.set_exception(error)
                return
            for reached in self._open():
                if self._waiting[reached] <= come:
                    reached.set_result(None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll):
                    await self._joined.wait()

    def _open(self) -> list[asyncio.Future[None]]:
        return [reached for reached in self._waiting if not reached.done()]
