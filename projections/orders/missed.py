"""What a row lacks of its order, read from the log: somebody took the row away, or changed it, behind the projector."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from psycopg import AsyncCursor

from event_store.read.log import load_whole
from event_store.types import PositionedEvent, RecordedEvent

log = structlog.get_logger(__name__)


async def missed_before(
    cursor: AsyncCursor[Any],
    batch: Sequence[PositionedEvent],
    versions: Mapping[UUID, int],
    passed_over: Collection[UUID],
) -> dict[UUID, list[RecordedEvent]]:
    """Of each order whose row, at its version in ``versions``, the batch doesn't follow: its events before the batch,
    from the first. Such a row isn't to be folded on.
    """
    first: dict[UUID, int] = {}
    for event in batch:
        first.setdefault(event.stream_id, event.version)
    behind = [
        order_id
        for order_id, version in first.items()
        if version > versions.get(order_id, 0) + 1 and order_id not in passed_over
    ]
    if not behind:
        return {}
    for order_id in behind:
        log.warning("an order's row lacks events and is folded from the log", order_id=str(order_id))
    missed: dict[UUID, list[RecordedEvent]] = {order_id: [] for order_id in behind}
    for event in await load_whole(cursor, behind):
        if event.version < first[event.stream_id]:
            missed[event.stream_id].append(event)
    return missed
