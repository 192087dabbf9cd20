"""Follows the log by position, also through outages of PostgreSQL and Valkey."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog
from psycopg_pool import PoolClosed

from event_store.errors import TRANSIENT_DATABASE_ERRORS, PositionLostError
from event_store.notifier import Notifier
from event_store.types import Positioned

_RETRY_AFTER = 0.2
_LOOK_EVERY = 1.0

E = TypeVar("E", bound=Positioned)

Read = Callable[[int, int], Awaitable[list[E]]]
"""``Log.read`` or ``Log.headers``."""

log = structlog.get_logger()


class Tail(Generic[E]):
    """An endless async iterator over the non-empty batches after ``after``: no event is missing, none comes twice.

    ``position`` is that of the last event handed out. ``healthy`` is False while PostgreSQL cannot be read. A gap in
    the log ends it with ``PositionGapError``, a closed pool with ``PoolClosed``.

    A read costs the same whether it finds one event or a hundred. So the tail waits ``pause`` seconds after each read,
    for events to gather, unless the read was cut off by ``limit``. ``pause`` and ``poll`` (seconds between two reads
    of a log that doesn't grow) may be changed while it runs.

    ``stored`` gives the position at which the reader's own work is stored. It is called now and then while no events
    come; a stored position before ``position`` ends the tail with ``PositionLostError``.
    """

    def __init__(
        self,
        read: Read[E],
        after: int,
        *,
        limit: int = 1000,
        notifier: Notifier | None = None,
        poll: float = 0.075,
        pause: float = 0.0,
        stored: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        self.position = after
        self.healthy = True
        self._read_log = read
        self._limit = limit
        self.poll = poll
        self.pause = pause
        self._pause_due = False
        self._stored = stored
        self._look_at_stored = time.monotonic() + _LOOK_EVERY
        self._woken = notifier.subscribe() if notifier is not None else asyncio.Event()

    def __aiter__(self) -> Tail[E]:
        return self

    async def __anext__(self) -> list[E]:
        if self._pause_due:
            await asyncio.sleep(self.pause)
        while True:
            # Cleared before the read: a notification that comes during the read may be about an event it doesn't see.
            self._woken.clear()
            batch = await self._read()
            if batch:
                self.position = batch[-1].position
                self._pause_due = len(batch) < self._limit
                return batch
            await self._require_stored()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.poll if self.healthy else _RETRY_AFTER):
                    await self._woken.wait()

    async def _require_stored(self) -> None:
        if self._stored is None or not self.healthy or time.monotonic() < self._look_at_stored:
            return
        self._look_at_stored = time.monotonic() + _LOOK_EVERY
        stored = await self._stored()
        if stored < self.position:
            raise PositionLostError(f"position {self.position} was handled, {stored} is stored")

    async def _read(self) -> list[E]:
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
