"""What an outsider sees of the log: a reader by position during the storm, and the whole of it afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg

from commands.ids import DEFAULT_ACCOUNT
from domain.account import ACCOUNT_EVENTS
from domain.directory_events import DIRECTORY_EVENTS
from domain.events import ORDER_EVENTS, OrderEvent
from domain.reclaim_events import GuardToClose, ReclaimBuilt
from domain.trading_state import TradingStateSet
from event_store.dsn import parse
from event_store.mapper import EventMapper

READ = """select position, event_id from events where position > %s order by position limit 1000"""
ALL = "select stream_id, version, topic, state, recorded_at, account_id from events order by stream_id, version"


@dataclass(frozen=True)
class Recorded:
    version: int
    recorded_at: datetime
    event: OrderEvent
    account_id: UUID = DEFAULT_ACCOUNT


class Reader:
    """Tails by position alone; ``seen`` is what it has read, ``wrong`` where positions had a hole."""

    def __init__(self, url: str) -> None:
        self._conninfo = parse(url).conninfo
        self.seen: list[UUID] = []
        self.wrong: list[str] = []

    async def run(self) -> None:
        """Until cancelled, through every outage."""
        while True:
            try:
                await asyncio.to_thread(self._read_on)
            except psycopg.OperationalError:
                await asyncio.sleep(0.3)
            await asyncio.sleep(0.1)

    def _read_on(self) -> None:
        with psycopg.connect(self._conninfo, autocommit=True, connect_timeout=5) as connection:
            connection.execute("set statement_timeout = '5s'")
            while rows := connection.execute(READ, [len(self.seen)]).fetchall():
                for position, event_id in rows:
                    if position != len(self.seen) + 1:
                        self.wrong.append(f"position {position} came after {len(self.seen)}")
                    self.seen.append(event_id)

    def missed(self) -> list[str]:
        """What the log has, now that all is quiet, other than what was read as it grew."""
        self._read_on()
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            upto = "select event_id from events where position <= %s order by position"
            there = [row[0] for row in connection.execute(upto, [len(self.seen)])]
        return self.wrong + ([] if self.seen == there else ["the reader saw other events than the log has"])


def histories(url: str) -> dict[UUID, list[Recorded]]:
    """Every order's recorded events by version."""
    mapper = EventMapper((*ORDER_EVENTS, *ACCOUNT_EVENTS, *DIRECTORY_EVENTS, TradingStateSet))
    found: dict[UUID, list[Recorded]] = {}
    for stream_id, version, topic, state, recorded_at, account_id in _rows(url):
        event = mapper.load(topic, bytes(state))
        if isinstance(event, OrderEvent):
            found.setdefault(stream_id, []).append(Recorded(version, recorded_at, event, account_id))
    return found


@dataclass(frozen=True)
class ClosedGuards:
    """A reclaim as it was recorded, before it was sent."""

    recorded_at: datetime
    guards: tuple[GuardToClose, ...]
    signature: str
    transaction: str


def reclaims(url: str) -> list[ClosedGuards]:
    """Every reclaim that was signed."""
    mapper = EventMapper(ACCOUNT_EVENTS)
    built = (row for row in _rows(url) if row[2] == ReclaimBuilt.TOPIC)
    events = ((mapper.load(topic, bytes(state)), at) for _, _, topic, state, at, _ in built)
    return [
        ClosedGuards(at, event.guards, event.signature, event.transaction)
        for event, at in events
        if isinstance(event, ReclaimBuilt)
    ]


def head(url: str) -> int:
    """The position of the last event."""
    with psycopg.connect(parse(url).conninfo, autocommit=True) as connection:
        row = connection.execute("select position from log_head").fetchone()
    assert row is not None
    return int(row[0])


def topics(url: str, prefix: str) -> list[str]:
    """The topics of recorded events that begin with ``prefix``."""
    return [row[2] for row in _rows(url) if row[2].startswith(prefix)]


def _rows(url: str) -> Iterator[tuple[UUID, int, str, bytes, datetime, UUID]]:
    with psycopg.connect(parse(url).conninfo, autocommit=True) as connection:
        yield from connection.execute(ALL)
