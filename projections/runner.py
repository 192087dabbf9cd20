"""The projector: folds the log into a read model, a batch a transaction, one at a time by its lease."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolClosed

from event_store import positions
from event_store.leases import Lease
from event_store.log import Log
from event_store.mapper import EventMapper
from event_store.tail import Tail
from event_store.types import RecordedEvent
from event_store.wake import Wake
from projections.metrics import PROJECTION_BATCH, PROJECTION_LAG, PROJECTION_POSITION
from projections.orders import NAME
from projections.orders.table import LIVE, fold_into_table

log = structlog.get_logger(__name__)

BATCH = 1_000
# A list may be this much behind: nobody watches an order there.
PAUSE = 0.05
RETRY_AFTER = 0.2


class OrdersProjector:
    """Keeps ``orders_v1``; its lease's processor is ``projections.orders.PROCESSOR``."""

    def __init__(
        self, pool: AsyncConnectionPool[AsyncConnection[Any]], events: Log, wake: Wake | None, mapper: EventMapper
    ) -> None:
        self._pool = pool
        self._events = events
        self._wake = wake
        self._mapper = mapper

    async def run(self, lease: Lease) -> None:
        """From its own position, for ever; ends by cancellation or ``LeaseLostError``."""
        after = await self._position(lease)
        async for batch in Tail(self._events, after, limit=BATCH, wake=self._wake, pause=PAUSE):
            await self._fold(lease, batch)

    async def _fold(self, lease: Lease, batch: Sequence[RecordedEvent]) -> None:
        while True:
            try:
                async with self._pool.connection() as connection, connection.transaction():
                    # Rows and position are lost together, if at all: the log is read again from there.
                    await connection.execute("set local synchronous_commit = off")
                    async with connection.cursor() as cursor:
                        await fold_into_table(cursor, LIVE, self._mapper, batch)
                        await positions.commit(cursor, lease, batch[-1].position)
                break
            except PoolClosed:
                raise
            except psycopg.OperationalError as away:
                log.warning("projector waits for PostgreSQL", projection=NAME, error=type(away).__name__)
                await asyncio.sleep(RETRY_AFTER)
        PROJECTION_POSITION.labels(NAME).set(batch[-1].position)
        PROJECTION_BATCH.labels(NAME).observe(len(batch))
        PROJECTION_LAG.labels(NAME).set((datetime.now(UTC) - batch[-1].recorded_at).total_seconds())

    async def _position(self, lease: Lease) -> int:
        while True:
            try:
                async with self._pool.connection() as connection, connection.cursor() as cursor:
                    return await positions.load(cursor, lease.processor)
            except PoolClosed:
                raise
            except psycopg.OperationalError as away:
                log.warning("projector waits for PostgreSQL", projection=NAME, error=type(away).__name__)
                await asyncio.sleep(RETRY_AFTER)
