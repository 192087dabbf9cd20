"""Whether PostgreSQL still has the log that this process has followed.

A backup that is put back under running processes takes events away that they have seen, acted on and answered with.
Each new connection is asked for the event at the last position that the process knows, and so is the log once a
second, since it may be put back without a connection being lost. An event's id is made at random by its writer, so the
same id at the same position is the same event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolClosed

from event_store.errors import LogReplacedError
from event_store.statements import statement
from event_store.types import PositionedEvent

_LAST_SEEN = statement(__file__, "last_seen")
_EVENT_AT = statement(__file__, "event_at")
# PostgreSQL without a log: it isn't migrated yet, or was emptied.
_NO_LOG = (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName)

CHECK_EVERY_S = 1.0

log = structlog.get_logger(__name__)

Pool = AsyncConnectionPool[AsyncConnection[Any]]


class Continuity:
    """``follow`` is to be told of every event of the log from some position on; the first check sees where it ends."""

    def __init__(self) -> None:
        self._seen: tuple[int, UUID] | None = None
        self._replaced: LogReplacedError | None = None

    def follow(self, events: Sequence[PositionedEvent]) -> None:
        self._seen = (events[-1].position, events[-1].event_id)

    async def check(self, connection: AsyncConnection[Any]) -> None:
        """Raise ``LogReplacedError`` unless the log behind ``connection`` has the last event this process has seen."""
        if self._replaced:
            raise self._replaced
        # Before the question: what is seen meanwhile is newer, and in the log too.
        seen = self._seen
        try:
            cursor = await connection.execute(
                _EVENT_AT if seen else _LAST_SEEN, {"position": seen[0]} if seen else {}, binary=True
            )
            row = await cursor.fetchone()
        except _NO_LOG:
            row = None
        if seen is None:
            self._seen = self._seen or (row and (row[0], row[1]))
        elif row is None or row[0] != seen[1]:
            self._replaced = LogReplacedError(seen[0], "no event" if row is None else "another event")
            raise self._replaced

    async def watch(self, pool: Pool) -> None:
        """Check once a second; ends by ``LogReplacedError``, which a new connection may have met before."""
        while True:
            try:
                async with pool.connection() as connection:
                    await self.check(connection)
            except PoolClosed:
                raise
            except psycopg.Error as error:
                # Out of reach, or every new connection was refused by ``check``.
                if self._replaced:
                    raise self._replaced from None
                log.debug("the log's end can't be compared", error=type(error).__name__)
            await asyncio.sleep(CHECK_EVERY_S)
