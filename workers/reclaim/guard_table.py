"""The table of guards: which lock rent, since when, and what stands in the way of closing them.

It follows the log, in one transaction with the position, and nobody else writes it: who lost it makes it anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor
from psycopg_pool import AsyncConnectionPool

from domain.reclaim import MOST_GUARDS
from domain.reclaim_events import ReclaimBuilt, ReclaimExpired, ReclaimFailed, ReclaimLanded
from event_store.processors import positions
from event_store.processors.leases import Lease
from event_store.statements import statement
from workers.reclaim.guard_changes import Ended, GuardChanges, Step

_ENDED = statement(__file__, "ended")
_BUILT = statement(__file__, "built")
_RETURNED = statement(__file__, "returned")
_EXPIRED = statement(__file__, "expired")
_FAILED = statement(__file__, "failed")
_DUE = statement(__file__, "due")
_NEXT_DUE = statement(__file__, "next_due")
_POSTPONE = statement(__file__, "postpone")
_DROP = statement(__file__, "drop")
_ON_THEIR_WAY = statement(__file__, "on_their_way")
_NOW = statement(__file__, "now")
_UNDECIDED = statement(__file__, "undecided")
_TRACKED = statement(__file__, "tracked")

# A guard that alone could not be closed is tried again after this long.
ALONE_AGAIN = timedelta(hours=1)

Cursor = AsyncCursor[Any]


@dataclass(frozen=True, slots=True)
class GuardRow:
    """The guard of an order; ``largest``: of how many guards a reclaim may be that closes it."""

    order_id: UUID
    account_id: UUID
    since: datetime
    lamports: int | None
    largest: int


@dataclass(frozen=True, slots=True)
class Postponed:
    """Why an order's guard stays; ``until``: when it is looked at again, None where it is ``keep`` after ``since``."""

    order_id: UUID
    since: datetime
    until: datetime | None
    obstacle: str


class GuardTable:
    """``keep`` is GUARD_KEEP."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]], keep: timedelta) -> None:
        self._pool = pool
        self.keep = keep

    async def position(self, processor: str) -> int:
        """How far it follows the log."""
        async with self._pool.connection() as connection, connection.cursor() as cursor:
            return await positions.load(cursor, processor)

    async def write(self, lease: Lease, changes: GuardChanges, after: int, upto: int) -> None:
        """Write what the events after position ``after`` change, up to ``upto``. Harmless when repeated."""
        async with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            if changes.ended:
                await _write_ended(cursor, changes.ended)
            for step in changes.steps:
                await _write_step(cursor, step)
            await positions.commit(cursor, lease, after, upto)

    async def due(self, limit: int) -> list[GuardRow]:
        """Guards that ``keep`` is over for, the oldest first."""
        return [GuardRow(*row) for row in await self._rows(_DUE, {"keep": self.keep, "limit": limit})]

    async def next_due(self) -> float | None:
        """In how many seconds the next one is due, at most 0 for one that is; None where there is none."""
        [(seconds,)] = await self._rows(_NEXT_DUE, {"keep": self.keep})
        return None if seconds is None else float(seconds)

    async def on_their_way(self) -> list[tuple[UUID, UUID]]:
        """Reclaims that may still land, each with its account."""
        return [(reclaim_id, account_id) for reclaim_id, account_id in await self._rows(_ON_THEIR_WAY, {})]

    async def tracked(self, order_ids: Sequence[UUID]) -> set[UUID]:
        """Those of the orders whose transactions are still followed."""
        return {row[0] for row in await self._rows(_TRACKED, {"orders": list(order_ids)})}

    async def now(self) -> datetime:
        """By the database's clock, as everything that was recorded."""
        [row] = await self._rows(_NOW, {})
        now: datetime = row[0]
        return now

    async def postpone(self, postponed: Sequence[Postponed]) -> None:
        """Leave guards alone, each for its reason."""
        if not postponed:
            return
        arguments = {
            "orders": [one.order_id for one in postponed],
            "since": [one.since for one in postponed],
            "until": [one.until for one in postponed],
            "obstacles": [one.obstacle if one.until else None for one in postponed],
        }
        async with self._pool.connection() as connection:
            await connection.execute(_POSTPONE, arguments)

    async def undecided(self, reclaim_id: UUID, reason: str | None) -> None:
        """Say of a reclaim's guards why nobody can tell what became of it, or that that is so no longer."""
        async with self._pool.connection() as connection:
            await connection.execute(_UNDECIDED, {"reclaim": reclaim_id, "reason": reason})

    async def drop(self, order_ids: Iterable[UUID]) -> None:
        """Forget orders that left no guard on the chain."""
        if orders := list(order_ids):
            async with self._pool.connection() as connection:
                await connection.execute(_DROP, {"orders": orders})

    async def _rows(self, query: bytes, arguments: dict[str, Any]) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection, connection.cursor() as cursor:
            await cursor.execute(query, arguments)
            return await cursor.fetchall()


async def _write_ended(cursor: Cursor, ended: Sequence[Ended]) -> None:
    # One statement takes each row once: of an order that ended twice the later end counts.
    last = {one.order_id: one for one in ended}.values()
    columns = {
        "orders": [one.order_id for one in last],
        "accounts": [one.account_id for one in last],
        "since": [one.at for one in last],
        "lamports": [one.lamports for one in last],
    }
    await cursor.execute(_ENDED, {**columns, "largest": MOST_GUARDS})


async def _write_step(cursor: Cursor, step: Step) -> None:
    named = {"reclaim": step.reclaim_id}
    match step.event:
        case ReclaimBuilt(guards=guards):
            # The rent of a guard that several orders share is counted once.
            pairs = [
                (order_id, None if place else guard.lamports)
                for guard in guards
                for place, order_id in enumerate(guard.order_ids)
            ]
            orders, lamports = map(list, zip(*pairs, strict=True))
            columns = {"orders": orders, "lamports": lamports, "account": step.account_id, "since": step.at}
            await cursor.execute(_BUILT, {**named, **columns, "largest": len(guards)})
        case ReclaimLanded():
            await cursor.execute(_RETURNED, named)
        case ReclaimExpired():
            await cursor.execute(_EXPIRED, named)
        case ReclaimFailed(code=code):
            obstacle = f"a reclaim of it alone failed: {code}"
            await cursor.execute(_FAILED, {**named, "obstacle": obstacle, "wait": ALONE_AGAIN})
