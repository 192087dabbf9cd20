"""Dead letters: orders that a processor can't handle. It passes over them, so that all other orders go on.

A dead letter belongs to one processor. For a read model (``projector:...``) the order's row is no longer updated; for
the execution the order isn't executed further; for the tracker and the watcher it says what they can't do for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncCursor

from event_store.arrays import uuids
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
    """Why a processor can't handle an order at ``version``; ``position`` is set where one event is the cause.

    ``error`` is the kind of the error and never a value: an event's data may hold signed bytes. ``attempts`` is how
    often the processor has tried.
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
    """A dead letter of ``processor``. ``since`` tells it from a later dead letter of the same order."""

    processor: str
    order_id: UUID
    version: int
    position: int | None
    error: str
    attempts: int
    since: datetime


async def add(cursor: Cursor, processor: str, entries: Iterable[DeadLetterEntry]) -> set[UUID]:
    """Make orders dead letters, in the caller's transaction; returns those that were none before.

    An order that is a dead letter already gets the new error, and its attempts are added up.
    """
    columns = [(entry.order_id, entry.version, entry.position, entry.error, entry.attempts) for entry in entries]
    names = ("orders", "versions", "positions", "errors", "attempts")
    values = dict(zip(names, map(list, zip(*columns, strict=True)), strict=True))
    await cursor.execute(_ADD, {"processor": processor, **values})
    return {order_id for order_id, is_new in await cursor.fetchall() if is_new}


async def order_ids(cursor: Cursor, processor: str) -> set[UUID]:
    """Every order that is a dead letter of ``processor``, the discarded ones too."""
    await cursor.execute(_ORDER_IDS, {"processor": processor})
    return {row[0] for row in await cursor.fetchall()}


async def among(cursor: Cursor, processor: str, order_ids: Sequence[UUID]) -> list[UUID]:
    """Those of the orders that are dead letters of ``processor``, locked until the caller's transaction ends."""
    await cursor.execute(_AMONG, {"processor": processor, "orders": uuids(order_ids)})
    return [row[0] for row in await cursor.fetchall()]


async def list_all(cursor: Cursor, order_id: UUID | None = None, *, discarded: bool = False) -> list[DeadLetter]:
    """All dead letters, or those of one order, oldest first; the discarded ones too with ``discarded``."""
    await cursor.execute(_LIST, {"order": order_id, "discarded": discarded})
    return [DeadLetter(*row) for row in await cursor.fetchall()]


async def counts(cursor: Cursor) -> dict[str, int]:
    """How many dead letters each processor has, without the discarded ones."""
    await cursor.execute(_COUNTS)
    return dict(await cursor.fetchall())


async def lock(cursor: Cursor, processor: str, order_id: UUID) -> bool:
    """Whether it is a dead letter. Until the caller's transaction ends no processor passes over the order for it."""
    await cursor.execute(_LOCK, {"processor": processor, "order": order_id})
    return bool(cursor.rowcount)


async def remove(cursor: Cursor, processors: Sequence[str], order_id: UUID, *, if_unreadable: bool = False) -> None:
    """The order is no dead letter any more; ``if_unreadable``: only where an event that can't be read is the cause."""
    named = {"processors": list(processors), "order": order_id, "unreadable": if_unreadable}
    await cursor.execute(_REMOVE, named)


async def discard(cursor: Cursor, processors: Sequence[str], order_id: UUID) -> None:
    """The order stays a dead letter for good, and is no longer listed."""
    await cursor.execute(_DISCARD, {"processors": list(processors), "order": order_id})
