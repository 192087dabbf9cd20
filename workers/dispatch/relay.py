"""The relay: turns the log's events into work rows, and hints at what is to be done now. One runs at a time.

Rows and position are written in one transaction, and the hints follow it: a relay that dies in between leaves rows that
come due.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from event_store.notifier import Notifier
from event_store.processors.leases import Lease
from event_store.processors.processor import Processor
from event_store.read.log import Log
from event_store.types import EventHeader
from workers.dispatch.broker import Hints
from workers.dispatch.next_work import Stage, WorkBatch, next_work_of
from workers.dispatch.work import Cursor, Pool, WorkTable
from workers.metrics import HINTS_FAILED, RELAY_POSITION

log = structlog.get_logger(__name__)

RELAY = "relay"
BATCH = 1_000
# For how long events gather before the next read, in seconds: an order waits as much at each stage.
PAUSE = 0.01


class Relay:
    """Runs under ``lease`` (processor ``relay``) until it is cancelled or the lease is lost."""

    def __init__(self, pool: Pool, events: Log, notifier: Notifier | None, work: WorkTable, hints: Hints) -> None:
        self._processor = Processor(pool, events.headers, notifier, limit=BATCH, pause=PAUSE)
        self._work = work
        self._hints = hints
        self._dead: set[UUID] = set()

    async def run(self, lease: Lease) -> None:
        await self._processor.run(lease, self._record, self._recorded)

    async def _record(self, cursor: Cursor, batch: list[EventHeader]) -> None:
        self._dead = await self._work.record(cursor, _work_of(batch))

    async def _recorded(self, batch: list[EventHeader]) -> None:
        RELAY_POSITION.set(batch[-1].position)
        await self._hint(_work_of(batch))

    async def _hint(self, work: WorkBatch) -> None:
        now: dict[Stage, list[UUID]] = {}
        for move in work.moves:
            if move.stage and not move.setback and move.order_id not in self._dead:
                now.setdefault(move.stage, []).append(move.order_id)
        if not now:
            return
        try:
            await asyncio.to_thread(self._hints.send, now)
        except RedisError as error:
            HINTS_FAILED.inc()
            log.warning("hints not sent; the sweeper repeats them", error=type(error).__name__)


def _work_of(batch: list[EventHeader]) -> WorkBatch:
    return next_work_of((event.stream_id, event.version, event.topic) for event in batch)
