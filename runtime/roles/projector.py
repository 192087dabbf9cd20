"""The projector: read models and work rows, written together; and the sweeper, which hands over what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from psycopg import AsyncCursor

from event_store.types import PositionedEvent
from projections.orders import PROCESSOR
from projections.projector import OrdersProjector
from runtime.composition import Store, lease_of
from runtime.roles.parts import Parts
from workers.dispatch.next_work import next_work_of
from workers.dispatch.sweeper import Sweeper


async def run(parts: Parts) -> None:
    store = parts.store
    async with lease_of(store, PROCESSOR).hold() as lease, asyncio.TaskGroup() as tasks:
        tasks.create_task(compose(store).run(lease))
        tasks.create_task(Sweeper(store.events, store.work, store.queue).run())


def compose(store: Store) -> OrdersProjector:
    """The projector over this store, with the work rows written beside the read model."""

    async def rows(cursor: AsyncCursor[Any], batch: Sequence[PositionedEvent]) -> None:
        asked = next_work_of((event.stream_id, event.version, event.topic) for event in batch)
        await store.work.record(cursor, asked)

    return OrdersProjector(store.pool, store.feed, store.mapper, beside=rows, hurry=store.hurry)
