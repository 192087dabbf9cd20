"""What the engine has set an order aside for, as whoever asks for the order is told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from event_store.processors import dead_letters
from event_store.processors.dead_letters import DeadLetter
from projections.orders import PROCESSOR


async def dead_letter_of(pool: AsyncConnectionPool[AsyncConnection[Any]], order_id: UUID) -> DeadLetter | None:
    """The oldest dead letter of the engine's own about the order: a list that stands still says nothing of it."""
    async with pool.connection() as connection, connection.cursor() as cursor:
        letters = await dead_letters.list_all(cursor, order_id)
        return next((letter for letter in letters if letter.processor != PROCESSOR), None)
