"""How far the wallet's history was compared with the log, in the database beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from psycopg.types.json import Jsonb

from event_store.processors.leases import Lease
from event_store.statements import statement
from workers.dispatch.work import Pool
from workers.history.reader import Mark

_BEGUN = statement(__file__, "begun")
_BEGIN = statement(__file__, "begin")
_COMPLETE = statement(__file__, "complete")
_NUMBERS = statement(__file__, "numbers")


LATE_S = 90.0
"""Three comparisons: what is older in seconds isn't how the chain is."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One that has begun: its number, and what those before it came to.

    ``position`` is one that the log had when it was last known to lack nothing; ``marks`` are by endpoint.
    """

    number: int
    position: int
    marks: Mapping[str, Mark]


@dataclass(frozen=True, slots=True)
class Numbers:
    """The newest comparison that has begun, the newest that found nothing unknown, and how many seconds ago it did."""

    begun: int = 0
    completed: int = 0
    age: float | None = None


class HistoryTable:
    """The row of one account."""

    def __init__(self, pool: Pool, account_id: UUID) -> None:
        self._pool = pool
        self._account_id = account_id

    async def begin(self, lease: Lease) -> Comparison:
        """Raises ``LeaseLostError`` where another process may hold the lease."""
        async with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            await lease.check(cursor)
            await cursor.execute(_BEGIN, {"account": self._account_id})
            row = await cursor.fetchone()
        assert row is not None  # noqa: S101 - it returns the row it writes
        return Comparison(int(row[0]), int(row[1]), {name: Mark(*mark) for name, mark in row[2].items()})

    async def complete(self, lease: Lease, number: int, position: int, marks: Mapping[str, Mark]) -> None:
        """Comparison ``number`` found nothing unknown; the log ended at ``position`` before it. Raises as ``begin``."""
        new = {name: [mark.signature, mark.slot] for name, mark in marks.items()}
        values = {"account": self._account_id, "number": number, "position": position, "marks": Jsonb(new)}
        async with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            await lease.check(cursor)
            await cursor.execute(_COMPLETE, values)

    async def numbers(self) -> Numbers:
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_NUMBERS, {"account": self._account_id})).fetchone()
        return Numbers(*row) if row else Numbers()


async def begun_of_all(pool: Pool) -> dict[UUID, int]:
    """The newest comparison of each account that has begun."""
    async with pool.connection() as connection:
        rows = await (await connection.execute(_BEGUN)).fetchall()
    return {row[0]: int(row[1]) for row in rows}
