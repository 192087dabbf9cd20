"""The whole database as of one moment, row by row: for programs that verify all of it.

Blocking, unlike the rest of this room: such a program is a loop over millions of rows and serves nobody meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

import psycopg
from psycopg import sql

from event_store.dsn import parse
from event_store.read.log import recorded
from event_store.statements import statement
from event_store.types import RecordedEvent

_HEAD = statement(__file__, "verify_head")
_LINKS = statement(__file__, "verify_links")
_STREAMS = statement(__file__, "verify_streams")
_STREAM_COUNT = statement(__file__, "verify_stream_count")
_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log says it ends; ``recorded_at`` is None in an empty log."""

    position: int
    recorded_at: datetime | None
    hash: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """An event's part in the log's running hash; ``recorded_at`` is None where it is no instant at all."""

    position: int
    recorded_at: datetime | None
    hash: bytes


class Snapshot:
    """Reads within one transaction; iterators hold a page of rows and may run side by side."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._names = count(1)

    def head(self) -> Head:
        row = self._connection.execute(_HEAD, binary=True).fetchone()
        if row is None:
            raise psycopg.DataError("log_head has no row")
        position, recorded_at, hash_ = row
        return Head(position, recorded_at, bytes(hash_))

    def links(self, upto: int) -> Iterator[Link]:
        """Every event's link by position, to position ``upto``."""
        for position, recorded_at, hash_ in self.rows(_LINKS, {"upto": upto}):
            yield Link(position, recorded_at and recorded_at.astimezone(UTC), hash_)

    def events(self) -> Iterator[RecordedEvent]:
        """Every event, by stream and version."""
        for page in self._pages(_STREAMS):
            yield from recorded(page)

    def stream_count(self, upto: int) -> int:
        """How many streams have an event at or before position ``upto``."""
        row = self._connection.execute(_STREAM_COUNT, {"upto": upto}).fetchone()
        return int(row[0]) if row else 0

    def rows(self, query: bytes, parameters: Mapping[str, object] | None = None) -> Iterator[tuple[Any, ...]]:
        """The rows of any query, a page at a time, through a cursor of their own."""
        for page in self._pages(query, parameters):
            yield from page

    def _pages(self, query: bytes, parameters: Mapping[str, object] | None = None) -> Iterator[list[tuple[Any, ...]]]:
        with self._connection.cursor(f"verify_{next(self._names)}", binary=True) as cursor:
            cursor.execute(query, parameters)
            while page := cursor.fetchmany(_PAGE):
                yield page


@contextmanager
def snapshot(url: str, *, reads: Sequence[str] = ()) -> Iterator[Snapshot]:
    """A read-only REPEATABLE READ transaction on a connection of its own; psycopg's errors pass through.

    ``reads`` are tables that others may put in each other's place: they stay the ones they are until it ends.
    """
    database = parse(url, application_name="surefill verify")
    with psycopg.connect(database.conninfo, connect_timeout=5) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        # All rows are read: the planner should choose the plan that is quickest to the last row, not to the first.
        connection.execute("set local cursor_tuple_fraction = 1")
        # Locked before the snapshot is taken: a table that was filled and swapped in after it would look empty.
        for table in reads:
            connection.execute(sql.SQL("lock table {} in access share mode").format(sql.Identifier(table)))
        yield Snapshot(connection)
