"""The straight statement alone: it stores everything or nothing, as the full one would have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import AsyncConnection

from event_store.append.append_statement import (
    APPEND,
    APPEND_STRAIGHT,
    outcomes,
    parameters,
    straight_outcomes,
    straight_parameters,
)
from event_store.append.appender import Appender
from event_store.dsn import parse
from event_store.hash_chain.hashing import event_hash, log_hash
from event_store.read.log import Log
from event_store.types import AppendRequest, Conflict, LeaseGuard, Outcome, Stored, StreamGuard
from tests.integration.conftest import TestDatabase
from tests.integration.event_store.requests import event, request


@pytest.fixture
async def connection(database: TestDatabase) -> AsyncIterator[AsyncConnection]:
    conninfo = parse(database.app, application_name="test").conninfo
    async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
        yield connection


async def straight(connection: AsyncConnection, *requests: AppendRequest) -> list[Outcome] | None:
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(APPEND_STRAIGHT, straight_parameters(requests))
        row = await cursor.fetchone()
    assert row is not None
    return straight_outcomes(row, requests)


async def full(connection: AsyncConnection, *requests: AppendRequest) -> list[Outcome]:
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(APPEND, parameters(requests))
        return outcomes(await cursor.fetchall(), requests)


async def test_both_statements_make_the_same_chains(connection: AsyncConnection, log: Log) -> None:
    first, second = uuid4(), uuid4()

    assert await straight(connection, request(event(first), event(first, 2)), request(event(second))) == [
        Stored(2),
        Stored(3),
    ]
    assert await full(connection, request(event(first, 3, causation_id=uuid4())), request(event(second, 2))) == [
        Stored(4),
        Stored(5),
    ]
    third = event(second, 3, topic="test.Ünïcode", state=bytes(range(256)))
    assert await straight(connection, request(third), request(event(first, 4))) == [Stored(6), Stored(7)]

    chains, running = {first: b"", second: b""}, b""
    for recorded in await log.read(0):
        chains[recorded.stream_id] = event_hash(recorded, chains[recorded.stream_id])
        running = log_hash(running, recorded.position, recorded.recorded_at, recorded.hash)
        assert recorded.hash == chains[recorded.stream_id]
    row = await (await connection.execute("select position, hash from log_head")).fetchone()
    assert row == (7, running)


async def test_it_says_when_its_events_were_recorded(connection: AsyncConnection, log: Log) -> None:
    found = await straight(connection, request(event(uuid4())))

    assert found is not None
    [stored] = found
    assert isinstance(stored, Stored)
    assert stored.recorded_at == (await log.read(0))[0].recorded_at


async def test_one_request_that_is_not_straight_leaves_nothing_of_the_others(
    connection: AsyncConnection, log: Log
) -> None:
    taken, guarded = uuid4(), uuid4()
    assert await straight(connection, request(event(taken)), request(event(guarded)))
    good = request(event(uuid4()))
    written = uuid4()

    for crooked in (
        request(event(taken)),
        request(event(taken, 3)),
        request(event(uuid4(), 2)),
        request(event(taken, 2), event(taken, 4)),
        request(event(uuid4()), guards=(StreamGuard(guarded, 0),)),
        request(event(uuid4()), guards=(StreamGuard(guarded, 2),)),
        request(event(uuid4()), guards=(StreamGuard(uuid4(), 1),)),
        request(event(written), guards=(StreamGuard(written, 0),)),
        request(event(uuid4()), guards=(LeaseGuard("nobody", 1),)),
    ):
        assert await straight(connection, good, crooked) is None
    assert await log.head() == 2


async def test_a_guard_that_moves_while_an_append_waits_for_the_lock_stops_it(
    database: TestDatabase, connection: AsyncConnection, appender: Appender
) -> None:
    guarded = uuid4()
    assert await appender.append(request(event(guarded))) == Stored(1)

    async with connection.transaction():
        await connection.execute("select lock_log()")
        waiting = asyncio.create_task(
            appender.append(request(event(uuid4()), guards=(StreamGuard(guarded, 1),))),
        )
        with psycopg.connect(database.app, autocommit=True) as watcher:
            while not watcher.execute("select from pg_locks where not granted").fetchall():
                await asyncio.sleep(0.01)
        assert await straight(connection, request(event(guarded, 2))) == [Stored(2)]

    assert await waiting == Conflict(guarded, 2)


async def test_both_compare_the_event_that_the_writer_decided_on(connection: AsyncConnection, log: Log) -> None:
    # A log that was put back to an earlier moment reaches the same version again, by another event.
    stream, recorded = uuid4(), uuid4()
    await full(connection, request(event(stream, event_id=recorded)))

    of_a_lost_log = request(event(stream, 2, previous_id=uuid4()), event(stream, 3))
    assert await straight(connection, of_a_lost_log) is None
    assert await full(connection, of_a_lost_log) == [Conflict(stream, 1)]
    assert len(await log.load(stream)) == 1

    assert await straight(connection, request(event(stream, 2, previous_id=recorded))) == [Stored(2)]
    second = (await log.load(stream))[-1].event_id
    assert await full(connection, request(event(stream, 3, previous_id=second))) == [Stored(3)]
