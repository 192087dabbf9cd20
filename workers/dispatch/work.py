"""The work table: what is to be done next, and when it is due. Process state, never facts: the log decides.

Rows are for recovery. Whoever makes an order executable hands it over at once; a row is written for what is still open
a moment later, and brings it back where that hand-over, or whoever had it, was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor
from psycopg_pool import AsyncConnectionPool

from domain.backoff import Backoff
from event_store.arrays import bigints, integers, texts, uuids
from event_store.processors import dead_letters
from workers.dispatch.next_work import EXECUTE, OPEN_TOPICS, TRACK, NextWork, WorkBatch, next_work_of

# What was handed over and lost is handed over again after this long: longer than a healthy visit takes.
GRACE_MS = 2_000
SETBACK = Backoff(first=timedelta(milliseconds=250), longest=timedelta(seconds=5))
EXECUTION = "execution"
"""The processor that the execution's dead letters stand under."""
# No row is due later than this from now. One that is was written before the database's clock stepped back, and is due:
# nobody would touch the order until the clock is there again.
LONGEST_WAIT = max(SETBACK.longest, timedelta(milliseconds=GRACE_MS))

SQL = {path.stem: path.read_text() for path in (Path(__file__).parent / "sql").glob("*.sql")}

Pool = AsyncConnectionPool[AsyncConnection[Any]]
Cursor = AsyncCursor[Any]


class WorkTable:
    """Reads and writes of ``work``. Methods that take a cursor are part of the caller's transaction.

    ``written_by`` is the processor of the log that writes the rows, in the same transaction as its position.
    ``postponed`` is set when this process has made a row due soon.
    """

    def __init__(self, pool: Pool, written_by: str) -> None:
        self.pool = pool
        self.postponed = asyncio.Event()
        self._written_by = written_by

    async def record(self, cursor: Cursor, batch: WorkBatch) -> None:
        """Write what a batch of events asks for."""
        if not batch.moves:
            return
        orders = uuids([move.order_id for move in batch.moves])
        await cursor.execute(SQL["tries"], {"orders": orders})
        tries = {row[0]: int(str(row[1])) for row in await cursor.fetchall()}
        await cursor.execute(SQL["move"], {"orders": orders, "versions": bigints(move.version for move in batch.moves)})
        rows = [_row(move, tries.get(move.order_id, 0)) for move in batch.moves if move.executed]
        rows += [(order_id, TRACK, version, 0, tries.get(order_id, 0)) for order_id, version in batch.tracked.items()]
        await self._schedule(cursor, rows)

    async def postpone(self, order_id: UUID, version: int) -> None:
        """Try again later: 0.25 s after the first passing failure, doubling to 5 s."""
        async with self.pool.connection() as connection:
            arguments = {"order": order_id, "version": version, "waits": SETBACK.waits()}
            await connection.execute(SQL["postpone"], arguments)
        self.postponed.set()

    async def finish(self, order_id: UUID, version: int) -> None:
        """The execution has nothing to do for the order as of that version: its row doesn't come due again."""
        async with self.pool.connection() as connection:
            await connection.execute(SQL["finish"], {"order": order_id, "version": version})

    async def take_due(self, limit: int, *, overdue_ms: int = 0) -> list[UUID]:
        """Orders that have been due for ``overdue_ms``. They come due again by themselves, should they get lost.

        They are handed over after this: whoever waits for Valkey with rows locked makes the projector wait too.
        """
        async with self.pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            await cursor.execute("set local synchronous_commit = off")
            arguments = {"limit": limit, "again": GRACE_MS, "overdue": overdue_ms, "longest": LONGEST_WAIT}
            await cursor.execute(SQL["take_due"], {**arguments, "processor": EXECUTION})
            return [UUID(str(row[0])) for row in await cursor.fetchall()]

    async def next_due(self) -> float | None:
        """In how many seconds the next row is due, at most 0 for one that is; None where there is none."""
        async with self.pool.connection() as connection:
            arguments = {"longest": LONGEST_WAIT, "processor": EXECUTION}
            row = await (await connection.execute(SQL["next_due"], arguments)).fetchone()
        return None if row is None or row[0] is None else float(row[0])

    async def retry(self, order_id: UUID, processors: Sequence[str]) -> None:
        """Remove the order's dead letters of ``processors``; what is to be done next with it is due now."""
        async with self.pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            await dead_letters.remove(cursor, processors, order_id)
            await cursor.execute(SQL["due_now"], {"order": order_id})

    async def tracked(self) -> tuple[int, list[UUID]]:
        """The position up to which rows are written, and the orders to track as of it."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(SQL["tracked"], {"processor": self._written_by})
            row = await cursor.fetchone()
        if row is None or not isinstance(row[0], int) or not isinstance(row[1], list):
            raise TypeError("the tracked orders could not be read")
        return row[0], row[1]

    async def untrack(self, versions: dict[UUID, int]) -> None:
        """Stop tracking orders unless an attempt later than the given version began."""
        arguments = {"orders": uuids(list(versions)), "versions": bigints(versions.values())}
        async with self.pool.connection() as connection:
            await connection.execute(SQL["untrack"], arguments)

    async def record_uncertainty(self, order_id: UUID, attempt: int, reason: str, *, permanent: bool) -> None:
        """Say with the order why an attempt's outcome isn't known; kept until the order is no longer tracked."""
        async with self.pool.connection() as connection:
            arguments = {"order": order_id, "attempt": attempt, "reason": reason, "permanent": permanent}
            await connection.execute(SQL["record_uncertainty"], arguments)

    async def unknown(self) -> tuple[int, float]:
        """How many attempts are uncertain, and for how many seconds the oldest has been."""
        async with self.pool.connection() as connection:
            row = await (await connection.execute(SQL["uncertainty_summary"])).fetchone()
        return (int(row[0]), float(row[1])) if row else (0, 0.0)

    async def clear_uncertainty(self, order_id: UUID, attempt: int) -> None:
        """The attempt's outcome is known, or can be: take back what the order says of it."""
        async with self.pool.connection() as connection:
            await connection.execute(SQL["clear_uncertainty"], {"order": order_id, "attempt": attempt})

    async def clear_uncertainty_by_reason(self, reasons: Sequence[str]) -> None:
        """Take back what was said for one of ``reasons``, whichever attempt it was said of."""
        async with self.pool.connection() as connection:
            await connection.execute(SQL["clear_uncertainty_by_reason"], {"reasons": list(reasons)})

    async def projected(self) -> int:
        """How far the read model has come in the log."""
        async with self.pool.connection() as connection:
            row = await (await connection.execute(SQL["projected"])).fetchone()
        return int(row[0]) if row else 0

    async def derive_window(self, after: int, upto: int) -> int:
        """Write the rows that open orders in a window of the log should have and don't. Returns how many orders."""
        return await self._derive("open_streams", {"after": after, "upto": upto})

    async def derive_open(self, upto: int, limit: int) -> int:
        """The same for up to ``limit`` orders that are open in the read model, as of position ``upto`` of the log."""
        return await self._derive("open_orders", {"upto": upto, "limit": limit})

    async def _derive(self, missing_rows: str, arguments: dict[str, int]) -> int:
        async with self.pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            await cursor.execute(SQL[missing_rows], {**arguments, "topics": OPEN_TOPICS})
            missing = next_work_of((order_id, version, topic) for order_id, version, topic in await cursor.fetchall())
            if missing.moves:
                await self.record(cursor, missing)
            return len(missing.moves)

    async def dead_letter_counts(self) -> dict[str, int]:
        """How many dead letters each processor has."""
        async with self.pool.connection() as connection, connection.cursor() as cursor:
            return await dead_letters.counts(cursor)

    @staticmethod
    async def _schedule(cursor: Cursor, rows: Iterable[tuple[UUID, str, int, int, int]]) -> None:
        columns = list(zip(*rows, strict=True))
        if columns:
            orders, stages, versions, delays, tries = columns
            arguments = {
                "orders": uuids(orders),
                "stages": texts(stages),
                "versions": bigints(versions),
                "delays": integers(delays),
                "tries": integers(tries),
            }
            await cursor.execute(SQL["schedule"], arguments)


def _row(move: NextWork, tries: int) -> tuple[UUID, str, int, int, int]:
    delay = SETBACK.after(tries + 1) // timedelta(milliseconds=1) if move.setback else GRACE_MS
    return move.order_id, EXECUTE, move.version, delay, tries + 1 if move.setback else tries
