"""Three ways to store events, each as fast as it goes for some seconds: ours, the library's, a bare insert."""

from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from bench.product import DEFAULT_ACCOUNT, Appender, AppendRequest, NewEvent, Stored

# An order's six events have some 5 KB together, the longest of them 2 KB.
STATE = os.urandom(800)
TOPIC = "order.OrderConfirmed"
_SQL = Path(__file__).with_name("sql")
_RAW_TABLE, _RAW_INSERT = ((_SQL / f"{name}.sql").read_text() for name in ("raw_events", "raw_insert"))


async def through_the_appender(database_url: str, writers: int, batch: int, seconds: float) -> float:
    """Events a second: each writer appends a request of ``batch`` events, waits for its outcome, and so on."""
    appender = Appender(database_url)
    await appender.start()
    begun, stored = time.perf_counter(), 0

    async def write() -> None:
        nonlocal stored
        while time.perf_counter() - begun < seconds:
            outcome = await appender.append(AppendRequest(_stream(batch)))
            assert isinstance(outcome, Stored), outcome
            stored += batch

    await asyncio.gather(*(write() for _ in range(writers)))
    taken = time.perf_counter() - begun
    await appender.stop()
    return stored / taken


def through_the_library(owner_url: str, callers: int, seconds: float) -> float:
    """Events a second: the `eventsourcing` library's own recorder and table, ``callers`` threads, an event a call."""
    at = conninfo_to_dict(owner_url)
    datastore = PostgresDatastore(
        str(at["dbname"]), str(at["host"]), str(at["port"]), str(at["user"]), str(at["password"]),
        pool_size=callers,
    )  # fmt: skip
    try:
        recorder = PostgresApplicationRecorder(datastore, events_table_name="bench_stored_events")
        recorder.create_table()
        begun = time.perf_counter()

        def write(_: int) -> int:
            stored = 0
            while time.perf_counter() - begun < seconds:
                recorder.insert_events([StoredEvent(uuid4(), 1, TOPIC, STATE)])
                stored += 1
            return stored

        with ThreadPoolExecutor(callers) as threads:
            stored = sum(threads.map(write, range(callers)))
        return stored / (time.perf_counter() - begun)
    finally:
        datastore.close()


def through_a_bare_insert(owner_url: str, batch: int, seconds: float) -> float:
    """Events a second: one connection, `insert ... select from unnest`, a commit each ``batch`` events."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("drop table if exists raw_events")
        connection.execute(_RAW_TABLE)
        begun, stored = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            events = _stream(batch)
            columns = [
                [event.stream_id for event in events], [event.version for event in events],
                [event.event_id for event in events], [event.topic for event in events],
                [event.state for event in events], [event.account_id for event in events],
                [event.command_id for event in events], [event.correlation_id for event in events],
                [event.causation_id for event in events],
            ]  # fmt: skip
            connection.execute(_RAW_INSERT, columns, prepare=True)
            stored += batch
        return stored / (time.perf_counter() - begun)


def _stream(events: int) -> tuple[NewEvent, ...]:
    """A new stream's first events."""
    stream, command = uuid4(), uuid4()
    return tuple(
        NewEvent(stream, version, uuid4(), TOPIC, STATE, DEFAULT_ACCOUNT, command, command, None)
        for version in range(1, events + 1)
    )
