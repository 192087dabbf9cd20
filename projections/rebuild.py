"""Rebuild a read model from the log beside the live one, compare the two, and put the new one in its place.

The live model serves and follows the log all the while. A rebuild that ends before its swap leaves it as it was, and
the next one begins anew. One at a time, by a lease; one that was paused and wakes up late is refused its next commit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg_pool import AsyncConnectionPool

from event_store.errors import PositionLostError
from event_store.mapper import EventMapper
from event_store.processors import positions
from event_store.processors.leases import Lease
from event_store.read.log import Log
from projections.errors import TableInUseError
from projections.orders import PROCESSOR, SQL
from projections.orders.comparison import REBUILT, Comparison, begin, compare
from projections.orders.table import Row, fold_into_table

NAMES = ("orders",)
"""The read models there are."""

BATCH = 5_000
# Rows of orders under way kept in memory: their next events are mostly near.
RECENT = 20_000
# Refused swaps before the two are compared again: what is swapped was compared just before.
TRIES = 20
PAUSE = 1.0
# Nobody waits for what such a transaction holds, and a large batch takes long to fold on a busy machine.
UNHURRIED = "set local idle_in_transaction_session_timeout = 0"


class Watch(Protocol):
    """Who looks on."""

    def folded(self, position: int, target: int) -> None:
        """The rebuilt table has come to ``position``; the live one is at ``target``."""

    def compares(self) -> None:
        """The two tables are being compared."""

    def waits(self, reader: str) -> None:
        """The swap waits for ``reader``."""


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the live model is; ``lost`` where the log ends before it, and is then itself the target."""

    position: int
    lost: bool


class OrdersRebuild:
    """``run`` it once. ``patience`` is for how many seconds the swap waits for those who read the live table."""

    def __init__(
        self,
        pool: AsyncConnectionPool[AsyncConnection[Any]],
        events: Log,
        mapper: EventMapper,
        watch: Watch,
        *,
        patience: float = 900.0,
    ) -> None:
        self._pool = pool
        self._events = events
        self._mapper = mapper
        self._watch = watch
        self._patience = patience
        self._position = 0
        self._recent: dict[UUID, Row] = {}

    async def run(self, lease: Lease) -> Comparison:
        """Under the lease of ``projections.orders.comparison.REBUILDER``: what the comparison before the swap said.

        Raises ``TableInUseError``, ``LeaseLostError``, ``PositionLostError`` (PostgreSQL crashed under it),
        ``PositionGapError`` and psycopg's errors: then nothing was swapped, save where PostgreSQL failed in the swap's
        very commit. Either way the live table is whole.
        """
        async with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            await lease.check(cursor)
            await begin(cursor)
        await self._catch_up(lease)
        async with self._pool.connection() as connection:
            # Plans are made by statistics, from the first query on.
            await connection.execute(SQL["rebuild_vacuum"])
        # What came meanwhile: the comparison folds all that is missing at once.
        await self._catch_up(lease)
        deadline = time.monotonic() + self._patience
        while True:
            compared = await self._compare()
            if await self._swap(lease, compared, deadline):
                return compared

    async def _catch_up(self, lease: Lease) -> None:
        """Fold to where the live model is now, a batch a transaction."""
        async with self._pool.connection() as connection, connection.cursor() as cursor:
            while self._position < (target := await self._target(cursor)).position:
                async with connection.transaction():
                    # Rows and position are lost together, if at all; the swap's commit makes all of it durable.
                    await connection.execute("set local synchronous_commit = off")
                    await connection.execute(UNHURRIED)
                    upto = min(self._position + BATCH, target.position)
                    rows = await self._fold(cursor, upto)
                    await positions.commit(cursor, lease, self._position, upto)
                self._position = upto
                self._remember(rows)
                self._watch.folded(upto, target.position)

    async def _compare(self) -> Comparison:
        """As of one moment, without holding up the projector. What is folded for it is undone: it is folded again."""
        self._watch.compares()
        async with (
            self._pool.connection() as connection,
            connection.transaction(force_rollback=True),
            connection.cursor() as cursor,
        ):
            await cursor.execute(SQL["rebuild_snapshot"])
            await cursor.execute(UNHURRIED)
            target = await self._target(cursor)
            await self._fold(cursor, target.position)
            return await compare(cursor, target.position)

    async def _swap(self, lease: Lease, compared: Comparison, deadline: float) -> bool:
        """Whether the tables changed places; if not, who reads the live one did not let go of it for long."""
        for _ in range(TRIES):
            await self._catch_up(lease)
            try:
                await self._swap_at_once(lease, compared)
            except psycopg.errors.LockNotAvailable:
                reader = await self._reader()
                if time.monotonic() >= deadline:
                    raise TableInUseError(reader) from None
                self._watch.waits(reader)
                await asyncio.sleep(PAUSE)
            else:
                return True
        return False

    async def _swap_at_once(self, lease: Lease, compared: Comparison) -> None:
        async with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            # Tried again and again; what has several statements can't be prepared.
            await cursor.execute(SQL["rebuild_lock"], prepare=False)
            await lease.check(cursor)
            if await positions.load(cursor, lease.processor) != self._position:
                raise PositionLostError("a crash of PostgreSQL took back rows that were rebuilt")
            target = await self._target(cursor)
            await self._fold(cursor, target.position)
            await cursor.execute(SQL["rebuild_swap"], prepare=False)
            if not compared.differing:
                await cursor.execute(SQL["rebuild_drop"])
            # He may keep in memory what was wrong in the table, and would write it back: he begins anew from here.
            if target.lost or compared.differing:
                await cursor.execute(SQL["rebuild_rewind"], {"position": target.position, "processor": PROCESSOR})

    async def _target(self, cursor: AsyncCursor[Any]) -> _Target:
        live = await positions.load(cursor, PROCESSOR)
        head = await self._events.head()
        return _Target(min(live, head), lost=live > head)

    async def _fold(self, cursor: AsyncCursor[Any], upto: int) -> Mapping[UUID, Row]:
        """Fold what is missing up to ``upto``, in the caller's transaction; the rows as they are then."""
        batch = await self._events.read(self._position, upto - self._position)
        return (await fold_into_table(cursor, REBUILT, self._mapper, batch, self._recent)).rows

    def _remember(self, rows: Mapping[UUID, Row]) -> None:
        """Rows that were committed: those of orders that go on, the latest touched last."""
        for order_id, row in rows.items():
            self._recent.pop(order_id, None)
            if not row.state.order.ended:
                self._recent[order_id] = row
        while len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]

    async def _reader(self) -> str:
        async with self._pool.connection() as connection:
            row = await (await connection.execute(SQL["rebuild_readers"])).fetchone()
        return str(row[0]) if row else "another session"
