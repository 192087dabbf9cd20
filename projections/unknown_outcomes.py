"""What isn't known of an order's live attempt yet, as the tracker last found it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from event_store.statements import statement

_DOUBT = statement(__file__, "unknown_outcome")


@dataclass(frozen=True, slots=True)
class Doubt:
    """``reason`` says what was missing when last asked; ``forever`` that the chain can never tell again."""

    reason: str
    forever: bool
    since: datetime
    checked_at: datetime


async def doubt_of(pool: AsyncConnectionPool[AsyncConnection[Any]], order_id: UUID, attempt: int) -> Doubt | None:
    """The doubt about an attempt, None where there is none."""
    async with pool.connection() as connection:
        cursor = await connection.execute(_DOUBT, {"order": order_id, "attempt": attempt})
        row = await cursor.fetchone()
    return Doubt(*row) if row else None
