"""Follow the log by position, through outages of everything it stands on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

import structlog
from psycopg_pool import PoolClosed

from event_store.errors import TRANSIENT_DATABASE_ERRORS, PositionLostError
from event_store.types import Positioned

_RETRY_AFTER = 0.2
# Without anything that wakes it, and with it: then it looks only lest a wake-up be lost.
_POLL, _POLL_WOKEN = 0.075, 1.0
_LOOK_EVERY = 1.0

E = TypeVar("E", bound=Positioned)

Read = Callable[[int, int], Awaitable[Sequence[E]]]
"""``LogFeed.read``, ``Log.read`` or ``Log.headers``."""


class Wakes(Protocol):
    """Says when there may be more to read: ``LogFeed``."""

    def subscribe(self) -> asyncio.Event: ...


log = structlog.get_logger()


class Tail(Generic[E]):
    """An endless async iterator over the non-empty batches after ``after``: no event is missing, none comes twice.

    ``position`` is that of the last event handed out. ``healthy`` is False while PostgreSQL cannot be read. A hole in
    the log ends it with PositionGapError, a closed pool with PoolClosed.

    A read costs the same whether it finds one event or a hundred: ``gather`` is for how many seconds events gather
    before they are read, unless ``hurry`` is set meanwhile; ``poll`` is how often the tail looks where nothing wakes
    it. Both may be set while it runs.

    ``stored`` says at which position the reader's own work is stored. It is asked now and then while nothing comes, and
    one before ``position`` ends the tail with PositionLostError.
    """

    def __init__(
        self,
        read: Read[E],
        after: int,
        *,
        limit: int = 1000,
        wakes: Wakes | None = None,
        poll: float | None = None,
        gather: float = 0.0,
        hurry: asyncio.Event | None = None,
        stored: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        self.position = after
        self.healthy = True
        self._read_log = read
        self._limit = limit
        self.poll = poll if poll is not None else _POLL if wakes is None else _POLL_WOKEN
        self.gather = gather
        self._hurry = hurry or asyncio.Event()
        self._more = False
        self._stored = stored
        self._look_at_stored = time.monotonic() + _LOOK_EVERY
        self._woken = wakes.subscribe() if wakes is not None else asyncio.Event()

    def __aiter__(self) -> Tail[E]:
        return self

    async def __anext__(self) -> Sequence[E]:
        while True:
            if self.gather and not self._more:
                await self._let_gather()
            # Before the read: a wake-up that comes during it is for the next.
            self._woken.clear()
            batch = await self._read()
            self._more = len(batch) == self._limit
            if batch:
                self.position = batch[-1].position
                return batch
            await self._require_stored()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.poll if self.healthy else _RETRY_AFTER):
                    await self._woken.wait()

    async def _let_gather(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.gather):
                await self._hurry.wait()
        self._hurry.clear()

    async def _require_stored(self) -> None:
        if self._stored is None or not self.healthy or time.monotonic() < self._look_at_stored:
            return
        self._look_at_stored = time.monotonic() + _LOOK_EVERY
        stored = await self._stored()
        if stored < self.position:
            raise PositionLostError(f"position {self.position} is dealt with, {stored} is stored")

    async def _read(self) -> Sequence[E]:
        try:
            batch = await self._read_log(self.position, self._limit)
        except PoolClosed:
            raise
        except TRANSIENT_DATABASE_ERRORS as error:
            if self.healthy:
                log.warning("the log cannot be read; trying on", position=self.position, error=type(error).__name__)
            self.healthy = False
            return []
        if not self.healthy:
            log.info("the log can be read again", position=self.position)
        self.healthy = True
        return batch
