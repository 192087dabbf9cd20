"""Try an order again that is a dead letter of the read model: its row is folded on from where it stood."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import AsyncCursor

from event_store.errors import UnreadableEventError
from event_store.mapper import EventMapper
from event_store.processors import dead_letters, positions
from event_store.read.log import Log
from projections.orders import PROCESSOR
from projections.orders.table import LIVE, fold_batch, load_rows, save_rows


async def retry(
    cursor: AsyncCursor[Any], events: Log, mapper: EventMapper, order_id: UUID
) -> UnreadableEventError | None:
    """In the caller's transaction, at READ COMMITTED, beside a running projector; what still stands in its way.

    A projector's transaction that passes over the order's events holds its dead letter until it ends, so with that in
    hand every event up to the committed position is ours, and every later one is the projector's.
    """
    if not await dead_letters.lock(cursor, LIVE.processor, order_id):
        return None
    position = await positions.load(cursor, PROCESSOR)
    passed = [event for event in await events.load(order_id) if event.position <= position]
    folded = fold_batch(mapper, passed, await load_rows(cursor, LIVE, [order_id]), ())
    if folded.rows:
        await save_rows(cursor, LIVE, folded.rows)
    if unreadable := folded.unreadable.get(order_id):
        await dead_letters.add(cursor, LIVE.processor, [dead_letters.DeadLetterEntry.of(unreadable)])
        return unreadable
    await dead_letters.remove(cursor, [LIVE.processor], order_id)
    return None
