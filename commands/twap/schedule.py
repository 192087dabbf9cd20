"""The table ``twap_schedule``: which slice of each list is submitted next, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from event_store.statements import statement

_ADD = statement(__file__, "add")
_NEXT = statement(__file__, "next")
_ADVANCE = statement(__file__, "advance")
_LOOK_AGAIN = statement(__file__, "look_again")
_PUT_OFF = statement(__file__, "put_off")
_DROP = statement(__file__, "drop")
_OF_ACCOUNT = statement(__file__, "of_account")


@dataclass(frozen=True, slots=True)
class ScheduledSlice:
    """Slice ``number`` of a list is due at ``due_at``; the list is looked at from ``look_at`` on. At ``asked_at``
    somebody was about to record it, or its end, or that slices of it were executed elsewhere.
    """

    list_id: UUID
    account_id: UUID
    number: int
    due_at: datetime
    look_at: datetime
    asked_at: datetime


class TwapSchedule:
    """Reads and writes over a pool that its owner opens and closes. Raises psycopg's errors."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        self._pool = pool

    async def add(self, list_id: UUID, account_id: UUID, now: datetime) -> None:
        """Before the list, its end, or what was executed of it elsewhere is recorded, so that nothing of that is ever
        without its row. A new one begins with the first slice, due ``now``; one that is there is looked at again.
        """
        await self._execute(_ADD, {"list": list_id, "account": account_id, "due": now})

    async def next(self, limit: int) -> list[ScheduledSlice]:
        """What is to be looked at first."""
        return [ScheduledSlice(*row) for row in await self._rows(_NEXT, {"limit": limit})]

    async def advance(self, done: ScheduledSlice, due_at: datetime, look_at: datetime) -> None:
        """The slice after ``done`` is next, and due then; unless somebody has asked for the row again."""
        asked = {"slice": done.number, "asked": done.asked_at}
        await self._execute(_ADVANCE, {"list": done.list_id, "due": due_at, "look": look_at, **asked})

    async def look_again(self, list_id: UUID, at: datetime) -> None:
        await self._execute(_LOOK_AGAIN, {"list": list_id, "look": at})

    async def put_off(self, seen: ScheduledSlice, until: datetime) -> None:
        """It is looked at then; unless somebody has asked for the row again."""
        await self._execute(_PUT_OFF, {"list": seen.list_id, "look": until, "asked": seen.asked_at})

    async def drop(self, done: ScheduledSlice) -> None:
        """Its list has no next slice, or was never recorded; unless somebody has asked for the row again."""
        await self._execute(_DROP, {"list": done.list_id, "asked": done.asked_at})

    async def of_account(self, account_id: UUID) -> list[UUID]:
        """The account's lists that are not through, the one asked for first first."""
        return [row[0] for row in await self._rows(_OF_ACCOUNT, {"account": account_id})]

    async def _execute(self, query: bytes, values: dict[str, Any]) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(query, values)

    async def _rows(self, query: bytes, values: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            return await (await connection.execute(query, values)).fetchall()
