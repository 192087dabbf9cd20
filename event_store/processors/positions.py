"""How far a processor has come, committed with what it wrote: rows and position together, or neither."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncCursor

from event_store.errors import PositionLostError
from event_store.processors.leases import Lease
from event_store.statements import statement

LOAD = statement(__file__, "position_load")
_COMMIT = statement(__file__, "position_commit")


async def load(cursor: AsyncCursor[Any], processor: str) -> int:
    """The position of the last event the processor has dealt with; 0 before the first."""
    await cursor.execute(LOAD, {"processor": processor})
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


async def commit(cursor: AsyncCursor[Any], lease: Lease, after: int, position: int) -> None:
    """In the caller's transaction, best as its last statement: move the lease's processor from ``after`` on.

    Raises LeaseLostError when another may be at work, and PositionLostError when it is stored elsewhere than at
    ``after``; a commit whose answer was lost may be repeated.
    """
    await lease.check(cursor)
    await cursor.execute(_COMMIT, {"processor": lease.processor, "after": after, "position": position})
    if not cursor.rowcount:
        raise PositionLostError(f"{lease.processor} is not stored at position {after}")
