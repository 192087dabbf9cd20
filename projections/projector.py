"""The projector: folds the log into a read model, a batch a transaction, one at a time by its lease."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from psycopg import AsyncConnection, AsyncCursor
from psycopg_pool import AsyncConnectionPool

from event_store.mapper import EventMapper
from event_store.notifier import Notifier
from event_store.processors.leases import Lease
from event_store.processors.processor import Processor
from event_store.read.log import Log
from event_store.types import RecordedEvent
from projections.metrics import PROJECTION_BATCH, PROJECTION_LAG, PROJECTION_POSITION
from projections.orders import NAME
from projections.orders.table import LIVE, fold_into_table

BATCH = 1_000
# A list may be this much behind: nobody watches an order there.
PAUSE = 0.05


class OrdersProjector:
    """Keeps ``orders_v1``; its lease's processor is ``projections.orders.PROCESSOR``."""

    def __init__(
        self,
        pool: AsyncConnectionPool[AsyncConnection[Any]],
        events: Log,
        notifier: Notifier | None,
        mapper: EventMapper,
    ) -> None:
        self._processing = Processor(pool, events.read, notifier, limit=BATCH, pause=PAUSE)
        self._mapper = mapper

    async def run(self, lease: Lease) -> None:
        """From its own position, for ever; ends by cancellation or ``LeaseLostError``."""
        await self._processing.run(lease, self._fold, self._folded)

    async def _fold(self, cursor: AsyncCursor[Any], batch: list[RecordedEvent]) -> None:
        await fold_into_table(cursor, LIVE, self._mapper, batch)

    async def _folded(self, batch: list[RecordedEvent]) -> None:
        PROJECTION_POSITION.labels(NAME).set(batch[-1].position)
        PROJECTION_BATCH.labels(NAME).observe(len(batch))
        PROJECTION_LAG.labels(NAME).set((datetime.now(UTC) - batch[-1].recorded_at).total_seconds())
