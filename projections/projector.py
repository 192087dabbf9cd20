"""The projector: folds the log into a read model, a batch a transaction, one at a time by its lease."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor
from psycopg_pool import AsyncConnectionPool

from event_store.mapper import EventMapper
from event_store.processors.leases import Lease
from event_store.processors.processor import Handle, Processor
from event_store.read.feed import LogFeed
from event_store.types import PositionedEvent
from projections.metrics import PROJECTION_BATCH, PROJECTION_LAG, PROJECTION_POSITION
from projections.orders import NAME
from projections.orders.table import LIVE, Folded, Row, fold_into_table

BATCH = 1_000
# Lists are this much behind, unless somebody waits for one: an order then costs one row, not one for each event.
GATHER_S = 0.25
# Rows of orders under way, kept in memory: their next events are near.
KEPT_ROWS = 20_000

Batch = Sequence[PositionedEvent]


class OrdersProjector:
    """Keeps ``orders_v1``; its lease's processor is ``projections.orders.PROCESSOR``.

    ``beside`` is done in each batch's transaction too: what else is kept in step with the same position. ``hurry`` is
    set where somebody waits for the read model.
    """

    def __init__(
        self,
        pool: AsyncConnectionPool[AsyncConnection[Any]],
        feed: LogFeed,
        mapper: EventMapper,
        *,
        beside: Handle[PositionedEvent] | None = None,
        hurry: asyncio.Event | None = None,
    ) -> None:
        self._processor = Processor(pool, feed.read, feed, limit=BATCH, gather=GATHER_S, hurry=hurry)
        self._mapper = mapper
        self._beside = beside
        self._rows: dict[UUID, Row] = {}
        self._folded = Folded({}, {})

    async def run(self, lease: Lease) -> None:
        """From its own position, for ever; ends by cancellation or ``LeaseLostError``."""
        await self._processor.run(lease, self._fold, self._committed, self._forget)

    def _forget(self) -> None:
        """While the lease was another's the rows were, too; and a crash of PostgreSQL may have taken them back."""
        self._rows = {}

    async def _fold(self, cursor: AsyncCursor[Any], batch: Batch) -> None:
        self._folded = await fold_into_table(cursor, LIVE, self._mapper, batch, self._rows)
        if self._beside is not None:
            await self._beside(cursor, batch)

    async def _committed(self, batch: Batch) -> None:
        for order_id in self._folded.unreadable:
            self._rows.pop(order_id, None)
        for order_id, row in self._folded.rows.items():
            self._rows.pop(order_id, None)
            if not row.state.order.ended and order_id not in self._folded.unreadable:
                self._rows[order_id] = row
        while len(self._rows) > KEPT_ROWS:
            del self._rows[next(iter(self._rows))]
        PROJECTION_POSITION.labels(NAME).set(batch[-1].position)
        PROJECTION_BATCH.labels(NAME).observe(len(batch))
        PROJECTION_LAG.labels(NAME).set((datetime.now(UTC) - batch[-1].recorded_at).total_seconds())
