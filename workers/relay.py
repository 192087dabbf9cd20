"""The relay: turns what the log says into work rows and hints. One at a time, by its lease.

Rows and position are one transaction, the hints follow it: a relay that dies in between leaves rows that come due.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from event_store import positions
from event_store.leases import Lease
from event_store.log import Log
from event_store.tail import Tail
from event_store.types import RecordedEvent
from event_store.wake import Wake
from workers.broker import Hints
from workers.metrics import HINTS_FAILED, RELAY_POSITION
from workers.next_work import Digest, Stage, digest
from workers.work import Pool, WorkTable

log = structlog.get_logger(__name__)

RELAY = "relay"
BATCH = 1_000
# What an order may wait for company at each stage.
PAUSE = 0.01


class Relay:
    """Runs under ``lease`` (processor ``relay``) until it is cancelled or the lease is lost."""

    def __init__(self, pool: Pool, events: Log, wake: Wake | None, work: WorkTable, hints: Hints) -> None:
        self._pool = pool
        self._events = events
        self._wake = wake
        self._work = work
        self._hints = hints

    async def run(self, lease: Lease) -> None:
        async with self._pool.connection() as connection, connection.cursor() as cursor:
            after = await positions.load(cursor, RELAY)
        RELAY_POSITION.set(after)
        async for batch in Tail(self._events, wake=self._wake, after=after, limit=BATCH, pause=PAUSE):
            asked = digest((event.stream_id, event.version, event.topic) for event in batch)
            await self._record(lease, batch, asked)
            RELAY_POSITION.set(batch[-1].position)
            await self._hint(asked)

    async def _record(self, lease: Lease, batch: list[RecordedEvent], asked: Digest) -> None:
        async with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            # Rows and position are lost together, if at all: the log is read again from there.
            await cursor.execute("set local synchronous_commit = off")
            await self._work.record(cursor, asked)
            await positions.commit(cursor, lease, batch[-1].position)

    async def _hint(self, asked: Digest) -> None:
        now: dict[Stage, list[UUID]] = {}
        for move in asked.moves:
            if move.stage and not move.setback:
                now.setdefault(move.stage, []).append(move.order_id)
        if not now:
            return
        try:
            await asyncio.to_thread(self._hints.send, now)
        except RedisError as away:
            HINTS_FAILED.inc()
            log.warning("hints not sent; the sweeper repeats them", error=type(away).__name__)
