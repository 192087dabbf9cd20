"""Of which orders the rent has come back that lay in their guards, and which guards still lock it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from event_store.statements import statement

_RETURNED = statement(__file__, "returned_rents")
_LOCKED = statement(__file__, "locked_guards")
_TOTAL = statement(__file__, "locked_total")

Pool = AsyncConnectionPool[AsyncConnection[Any]]


@dataclass(frozen=True, slots=True)
class LockedGuard:
    """A guard that locks ``lamports``. Kept since ``since``, its ``order_id``'s last event; ``on_its_way``: a reclaim
    that may have closed it has been signed. ``obstacle`` is what else stands in its way, until it is looked at again.
    """

    order_id: UUID
    guard: str | None
    lamports: int
    since: datetime
    not_before: datetime | None
    obstacle: str | None
    on_its_way: bool


@dataclass(frozen=True, slots=True)
class LockedTotal:
    """How many guards lock how much; ``returned`` is of how many the rent has come back."""

    guards: int
    lamports: int
    returned: int


async def returned_rents(pool: Pool, order_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the orders whose rent has come back."""
    if not order_ids:
        return set()
    async with pool.connection() as connection:
        cursor = await connection.execute(_RETURNED, {"orders": list(order_ids)})
        return {row[0] for row in await cursor.fetchall()}


async def locked_total(connection: AsyncConnection[Any]) -> LockedTotal:
    async with connection.cursor(row_factory=class_row(LockedTotal)) as cursor:
        await cursor.execute(_TOTAL)
        total = await cursor.fetchone()
    return total or LockedTotal(0, 0, 0)


async def locked_guards(connection: AsyncConnection[Any], limit: int | None) -> AsyncIterator[LockedGuard]:
    """Guards that lock rent, the oldest first, ``limit`` of them at most. Read inside a transaction."""
    async with connection.cursor("locked_guards", row_factory=class_row(LockedGuard)) as cursor:
        await cursor.execute(_LOCKED, {"limit": limit})
        async for guard in cursor:
            yield guard
