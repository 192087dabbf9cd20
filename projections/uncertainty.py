"""What isn't known of an order's live attempt yet, as the tracker last found it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from event_store.statements import statement

_UNCERTAINTY = statement(__file__, "uncertainty")


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """``reason`` says what was missing when last asked; ``permanent`` that the chain can never tell again."""

    reason: str
    permanent: bool
    since: datetime
    checked_at: datetime


async def uncertainty_of(
    pool: AsyncConnectionPool[AsyncConnection[Any]], order_id: UUID, attempt: int
) -> Uncertainty | None:
    """What is uncertain about an attempt, None where there is none."""
    async with pool.connection() as connection:
        cursor = await connection.execute(_UNCERTAINTY, {"order": order_id, "attempt": attempt})
        row = await cursor.fetchone()
    return Uncertainty(*row) if row else None
