"""What isn't known of an order's attempts yet, as the tracker last found it."""

from __future__ import annotations

from collections.abc import Sequence
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
    """Of ``attempt``: ``reason`` says what was missing when last asked; ``permanent``: the chain never tells again."""

    attempt: int
    reason: str
    permanent: bool
    since: datetime
    checked_at: datetime


async def uncertainty_of(
    pool: AsyncConnectionPool[AsyncConnection[Any]], order_id: UUID, attempts: Sequence[int]
) -> Uncertainty | None:
    """What has been uncertain for longest about these attempts of an order; None where nothing is."""
    async with pool.connection() as connection:
        cursor = await connection.execute(_UNCERTAINTY, {"order": order_id, "attempts": list(attempts)})
        row = await cursor.fetchone()
    return Uncertainty(*row) if row else None
