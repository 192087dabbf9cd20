"""Lists of orders, and waiting until they show a position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from domain.epochs import Epochs
from domain.errors import PositionLostError
from domain.events import OrderSubmitted
from event_store.processors import positions
from projections.catch_up import PositionWaiter
from projections.errors import BadCursorError, ProjectionBehindError
from projections.history import OrderState
from projections.orders import PROCESSOR, SQL
from projections.orders.filters import OrderFilter, cursor_of, position_of
from projections.orders.table import row

Pool = AsyncConnectionPool[AsyncConnection[Any]]


@dataclass(frozen=True, slots=True)
class Page:
    """Orders in the order that was asked for; ``next`` is the cursor of what follows, None on the last page."""

    states: list[OrderState]
    next: str | None


class OrderList:
    """Reads ``orders_v1`` over a pool that its owner opens and closes; ``hurry`` tells its writer that one waits."""

    def __init__(self, pool: Pool, hurry: Callable[[], None] = lambda: None) -> None:
        self._pool = pool
        self._arrivals = PositionWaiter(self.position)
        self._hurry = hurry

    async def page(
        self, account_id: UUID, epochs: Epochs, asked: OrderFilter, *, limit: int, cursor: str | None
    ) -> Page:
        """Up to ``limit`` of the account's orders; raises ``BadCursorError``, ``PositionLostError``."""
        digest = asked.digest(account_id)
        arguments = {
            **asked.arguments(),
            "account": account_id,
            "before": None if cursor is None else _position(epochs, position_of(cursor, digest)),
            "limit": limit + 1,
        }
        statement = SQL["list_oldest" if asked.oldest_first else "list"]
        async with self._pool.connection() as connection:
            # Planned for what is asked: one plan for all questions would read every order for most of them.
            found = await (await connection.execute(statement, arguments, prepare=False)).fetchall()
        rows = [row(columns) for columns in found[:limit]]
        more = len(found) > limit
        end = cursor_of(epochs.shown(rows[-1].first_position), digest) if more else None
        return Page([listed.state for listed in rows], end)

    async def in_flight(self, account_id: UUID | None, venue: str | None) -> list[UUID]:
        """Orders a transaction of which may land, the oldest first: of an account, or by a venue."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(SQL["in_flight"], {"account": account_id, "venue": venue})
            return [row[0] for row in await cursor.fetchall()]

    async def open(self, account_id: UUID) -> list[UUID]:
        """The account's orders that have not ended, the oldest first: each that was recorded before it is asked."""
        arguments = {"account": account_id, "begun": OrderSubmitted.TOPIC}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(SQL["open_of_account"], arguments)
            return [row[0] for row in await cursor.fetchall()]

    async def wait_for(self, position: int, patience: float) -> None:
        """Return once the read model has reached ``position``; ``ProjectionBehindError`` after ``patience`` seconds."""
        self._hurry()
        try:
            await self._arrivals.wait_for(position, patience)
        except TimeoutError:
            raise ProjectionBehindError from None

    async def position(self) -> int:
        """How far the read model has come."""
        async with self._pool.connection() as connection, connection.cursor() as cursor:
            return await positions.load(cursor, PROCESSOR)


def _position(epochs: Epochs, text: str) -> int:
    try:
        return epochs.read(text)
    except ValueError:
        raise BadCursorError(text) from None
    except PositionLostError as lost:
        raise PositionLostError(lost.ended_at, field="cursor") from None
