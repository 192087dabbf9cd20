"""How far a processor has read the log, committed in the same transaction as what it made of the events."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncCursor

from event_store.errors import PositionLostError
from event_store.processors.leases import Lease
from event_store.read.snapshot import Snapshot
from event_store.statements import statement

LOAD = statement(__file__, "position_load")
_COMMIT = statement(__file__, "position_commit")


async def load(cursor: AsyncCursor[Any], processor: str) -> int:
    """The position of the last event the processor has handled; 0 before the first."""
    await cursor.execute(LOAD, {"processor": processor})
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


def load_from(snapshot: Snapshot, processor: str) -> int:
    """The same as of the snapshot's moment."""
    return next((int(row[0]) for row in snapshot.rows(LOAD, {"processor": processor})), 0)


async def commit(cursor: AsyncCursor[Any], lease: Lease, after: int, position: int) -> None:
    """Move the lease's processor from position ``after`` to ``position``, as the last statement of a transaction.

    Raises ``LeaseLostError`` when another process may hold the lease, and ``PositionLostError`` when the stored
    position isn't ``after``. A commit whose answer was lost may be repeated.
    """
    await lease.check(cursor)
    await cursor.execute(_COMMIT, {"processor": lease.processor, "after": after, "position": position})
    if not cursor.rowcount:
        raise PositionLostError(f"{lease.processor} is not stored at position {after}")
