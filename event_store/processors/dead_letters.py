"""Orders that a processor cannot handle: set aside, with the kind of their error, so that the rest go on.

A dead letter is one processor's. That of a read model (``projector:...``) is an order whose row stands still; that of a
stage an order no stage works on; those of tracker and watcher say what they cannot do for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncCursor

from event_store.errors import UnreadableEventError
from event_store.statements import statement

_ADD = statement(__file__, "dead_letter_add")
_ORDER_IDS = statement(__file__, "dead_letter_order_ids")
_AMONG = statement(__file__, "dead_letter_among")
_LIST = statement(__file__, "dead_letter_list")
_COUNTS = statement(__file__, "dead_letter_counts")
_REMOVE = statement(__file__, "dead_letter_remove")
_LOCK = statement(__file__, "dead_letter_lock")
_DISCARD = statement(__file__, "dead_letter_discard")

Cursor = AsyncCursor[Any]


@dataclass(frozen=True, slots=True)
class DeadLetterEntry:
    """What stands in the way of an order at ``version``; ``position`` is set where it is one event's fault.

    ``error`` is the kind alone, never a value: an event's own data may hold signed bytes. ``attempts`` is how often it
    was tried in vain.
    """

    order_id: UUID
    version: int
    position: int | None
    error: str
    attempts: int = 1

    @classmethod
    def of(cls, unreadable: UnreadableEventError) -> DeadLetterEntry:
        recorded = unreadable.recorded
        return cls(recorded.stream_id, recorded.version, recorded.position, str(unreadable))


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An order set aside by ``processor``; ``since`` names it: the same order set aside anew has another."""

    processor: str
    order_id: UUID
    version: int
    position: int | None
    error: str
    attempts: int
    since: datetime


async def add(cursor: Cursor, processor: str, entries: Iterable[DeadLetterEntry]) -> set[UUID]:
    """Set orders aside, in the caller's transaction; those that were not before.

    Of one that is already, what stands in its way now is kept, and how often.
    """
    columns = [(entry.order_id, entry.version, entry.position, entry.error, entry.attempts) for entry in entries]
    names = ("orders", "versions", "positions", "errors", "attempts")
    values = dict(zip(names, map(list, zip(*columns, strict=True)), strict=True))
    await cursor.execute(_ADD, {"processor": processor, **values})
    return {order_id for order_id, is_new in await cursor.fetchall() if is_new}


async def order_ids(cursor: Cursor, processor: str) -> set[UUID]:
    """Every order ``processor`` has set aside, those that were discarded too."""
    await cursor.execute(_ORDER_IDS, {"processor": processor})
    return {row[0] for row in await cursor.fetchall()}


async def among(cursor: Cursor, processor: str, order_ids: Sequence[UUID]) -> list[UUID]:
    """Those of the orders that ``processor`` has set aside; they stay so until the caller's transaction ends."""
    await cursor.execute(_AMONG, {"processor": processor, "orders": list(order_ids)})
    return [row[0] for row in await cursor.fetchall()]


async def list_all(cursor: Cursor, order_id: UUID | None = None, *, discarded: bool = False) -> list[DeadLetter]:
    """Every order set aside, or what is set aside of one; the oldest first. With ``discarded`` those that were too."""
    await cursor.execute(_LIST, {"order": order_id, "discarded": discarded})
    return [DeadLetter(*row) for row in await cursor.fetchall()]


async def counts(cursor: Cursor) -> dict[str, int]:
    """How many orders each processor has set aside."""
    await cursor.execute(_COUNTS)
    return dict(await cursor.fetchall())


async def lock(cursor: Cursor, processor: str, order_id: UUID) -> bool:
    """Whether it is set aside; until the caller's transaction ends nobody passes over its events on that account."""
    await cursor.execute(_LOCK, {"processor": processor, "order": order_id})
    return bool(cursor.rowcount)


async def remove(cursor: Cursor, processors: Sequence[str], order_id: UUID, *, if_unreadable: bool = False) -> None:
    """The order is set aside no more; ``if_unreadable``: unless it is for anything but an event nobody could read."""
    named = {"processors": list(processors), "order": order_id, "unreadable": if_unreadable}
    await cursor.execute(_REMOVE, named)


async def discard(cursor: Cursor, processors: Sequence[str], order_id: UUID) -> None:
    """The order stays aside for good, and is listed no more."""
    await cursor.execute(_DISCARD, {"processors": list(processors), "order": order_id})
