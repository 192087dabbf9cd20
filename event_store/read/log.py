"""Reads the log: one stream's events by version, or all events by position."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor
from psycopg_pool import AsyncConnectionPool

from event_store.errors import PositionGapError
from event_store.statements import statement
from event_store.types import EventHeader, Positioned, RecordedEvent

_LOAD = statement(__file__, "load")
_LOAD_MANY = statement(__file__, "load_many")
_LAST_MANY = statement(__file__, "last_many")
_READ = statement(__file__, "read")
_HEADERS = statement(__file__, "headers")
HEAD = statement(__file__, "head")
_END = statement(__file__, "end")
_HASH_AT = statement(__file__, "hash_at")
_OF_ACCOUNTS = statement(__file__, "of_accounts")
_STATES = statement(__file__, "states")
_STREAMS_WITH = statement(__file__, "streams_with")
_STREAMS_WITHOUT = statement(__file__, "streams_without")

E = TypeVar("E", bound=Positioned)


class Log:
    """Reads through a pool that the caller opens and closes. psycopg's errors and ``PoolTimeout`` pass through."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        self._pool = pool

    async def load(self, stream_id: UUID, *, upto: int | None = None) -> list[RecordedEvent]:
        """The stream's events by version, up to version ``upto`` where given; empty when there is no such stream."""
        return recorded(await self._rows(_LOAD, {"stream": stream_id, "upto": upto}))

    async def load_many(self, after: Mapping[UUID, int]) -> dict[UUID, list[RecordedEvent]]:
        """Each stream's events after the version given with it, in one query; every stream asked for has its entry."""
        streams: dict[UUID, list[RecordedEvent]] = {stream_id: [] for stream_id in after}
        wanted = {"streams": list(after), "after": list(after.values())}
        for event in recorded(await self._rows(_LOAD_MANY, wanted)):
            streams[event.stream_id].append(event)
        return streams

    async def last_many(self, stream_ids: Sequence[UUID]) -> list[RecordedEvent]:
        """The newest event of each of those streams that has one."""
        return recorded(await self._rows(_LAST_MANY, {"streams": list(stream_ids)}))

    async def read(self, after: int, limit: int = 1000) -> list[RecordedEvent]:
        """The events at positions ``after``+1 ... ``after``+``limit``, as many of them as there are."""
        return _contiguous(after, recorded(await self._rows(_READ, {"after": after, "limit": limit})))

    async def headers(self, after: int, limit: int = 1000) -> list[EventHeader]:
        """The headers of the events that ``read`` would give: without their data, at a small part of the cost."""
        rows = await self._rows(_HEADERS, {"after": after, "limit": limit})
        return _contiguous(after, [EventHeader(*row) for row in rows])

    async def head(self) -> int:
        """The position of the last event; 0 in an empty log."""
        rows = await self._rows(HEAD, {})
        return int(rows[0][0])

    async def end(self) -> tuple[int, bytes]:
        """The position and the hash of the last event; 0 and no bytes in an empty log."""
        rows = await self._rows(_END, {})
        return rows[0] if rows else (0, b"")

    async def hash_at(self, position: int) -> bytes | None:
        """The hash of the event at ``position``; None where the log has no such event."""
        rows = await self._rows(_HASH_AT, {"position": position})
        return rows[0][0] if rows else None

    async def states(self, stream_ids: Sequence[UUID], topic: str) -> list[tuple[UUID, bytes]]:
        """The streams' events of the kind ``topic``: each one's stream and state, in no order."""
        return await self._rows(_STATES, {"streams": list(stream_ids), "topic": topic})

    async def of_accounts(self, topics: Collection[str]) -> list[RecordedEvent]:
        """The events of those kinds (``account.*``: they are few, and have an index) of all streams, by position."""
        return recorded(await self._rows(_OF_ACCOUNTS, {"topics": list(topics)}))

    async def streams_with(self, account_id: UUID, topic: str, after: int) -> list[UUID]:
        """The account's streams that got an event of the kind ``topic`` past position ``after``; reads the log from
        there on.
        """
        wanted = {"account": account_id, "topic": topic, "after": after}
        return [row[0] for row in await self._rows(_STREAMS_WITH, wanted)]

    async def streams_without(self, begun: str, ends: Sequence[str]) -> list[UUID]:
        """Streams that begin with topic ``begun`` and have none of ``ends``, the oldest first; reads the whole log."""
        return [row[0] for row in await self._rows(_STREAMS_WITHOUT, {"begun": begun, "ends": list(ends)})]

    async def _rows(self, query: bytes, parameters: dict[str, object]) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query, parameters)
            return await cursor.fetchall()


async def load_whole(cursor: AsyncCursor[Any], stream_ids: Sequence[UUID]) -> list[RecordedEvent]:
    """All events of those streams, by stream and version, as the caller's transaction sees them."""
    await cursor.execute(_LOAD_MANY, {"streams": list(stream_ids), "after": [0] * len(stream_ids)})
    return recorded(await cursor.fetchall())


def _contiguous(after: int, events: list[E]) -> list[E]:
    for expected, event in enumerate(events, after + 1):
        if event.position != expected:
            raise PositionGapError(f"position {expected} is missing from the log: the next one is {event.position}")
    return events


def recorded(rows: Iterable[tuple[Any, ...]]) -> list[RecordedEvent]:
    """Rows of the columns of ``load.sql``, in UTC whatever the session's time zone."""
    return [RecordedEvent(*(*columns, _utc(recorded_at), hash_)) for *columns, recorded_at, hash_ in rows]


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
