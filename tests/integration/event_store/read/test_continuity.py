"""A process whose PostgreSQL was put back to an earlier moment notices before it appends or answers anything more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest

from event_store.append.appender import Appender
from event_store.errors import LogReplacedError, LogUnavailableError, OutcomeUnknownError
from event_store.pool import connection_pool
from event_store.read.continuity import Continuity
from event_store.read.feed import LogFeed
from event_store.read.log import Log
from tests.integration.conftest import TestDatabase, superuser_url
from tests.integration.embedded import EmbeddedPostgres
from tests.integration.event_store.putting_back import put_back
from tests.integration.event_store.requests import event, request

# The second where the connection was lost in the moment of sending: it is repeated, and then can't be any more.
NOT_APPENDED = (LogUnavailableError, OutcomeUnknownError)


class Process:
    """What a process has of the log: a pool, an appender and a feed that ask each new connection."""

    def __init__(self, database: TestDatabase) -> None:
        self.continuity = Continuity()
        check = self.continuity.check
        self.pool = connection_pool(database.app, application_name="followed", check_new=check)
        log = Log(self.pool)
        self.feed = LogFeed(log.read, log.head)
        self.feed.follow(self.continuity.follow)
        self.appender = Appender(
            database.app, stored=self.feed.offer, application_name="followed", outcome_patience=0.5, check_new=check
        )
        self.following: asyncio.Task[None] | None = None

    async def read_on(self) -> None:
        self.following = asyncio.create_task(self.feed.run())
        await asyncio.wait_for(self.feed.begun(), 5)

    async def read_no_more(self) -> None:
        if self.following is not None:
            self.following.cancel()
            await asyncio.gather(self.following, return_exceptions=True)


@pytest.fixture
async def process(database: TestDatabase) -> AsyncIterator[Process]:
    process = Process(database)
    async with process.pool:
        await process.appender.start()
        await process.read_on()
        yield process
        await process.read_no_more()
        await process.appender.stop()


@pytest.fixture
def superuser(postgres: EmbeddedPostgres, database: TestDatabase) -> str:
    return superuser_url(postgres, database)


def cut_off(superuser: str) -> None:
    """End the process's connections, as a PostgreSQL does that is stopped."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'followed'")


async def append(process: Process, count: int) -> None:
    for _ in range(count):
        await process.appender.append(request(event(uuid4())))


async def test_a_log_that_lost_what_the_process_has_seen_takes_nothing_more_from_it(
    process: Process, database: TestDatabase, superuser: str, log: Log
) -> None:
    await append(process, 5)
    put_back(superuser, database, 3)
    cut_off(superuser)
    with pytest.raises(NOT_APPENDED, match="at position 5, where the process has seen an event, there is no"):
        await append(process, 1)
    assert await log.head() == 3
    with pytest.raises(LogReplacedError):
        await asyncio.wait_for(process.continuity.watch(process.pool), 5)


async def test_so_does_one_that_has_grown_again_by_other_events(
    process: Process, appender: Appender, database: TestDatabase, superuser: str, log: Log
) -> None:
    await append(process, 5)
    # A PostgreSQL that is put back ends its connections first; this one goes on, and would be read meanwhile.
    await process.read_no_more()
    put_back(superuser, database, 3)
    for _ in range(4):
        await appender.append(request(event(uuid4())))
    cut_off(superuser)
    with pytest.raises(NOT_APPENDED, match="there is another event"):
        await append(process, 1)
    assert await log.head() == 7


async def test_it_shows_without_a_lost_connection_too(process: Process, database: TestDatabase, superuser: str) -> None:
    await append(process, 5)
    watching = asyncio.create_task(process.continuity.watch(process.pool))
    await asyncio.sleep(0.1)
    assert not watching.done()
    put_back(superuser, database, 3)
    with pytest.raises(LogReplacedError):
        await asyncio.wait_for(watching, 5)


async def test_a_lost_connection_alone_is_no_reason_to_end(process: Process, superuser: str, log: Log) -> None:
    await append(process, 5)
    watching = asyncio.create_task(process.continuity.watch(process.pool))
    cut_off(superuser)
    await append(process, 1)
    await asyncio.sleep(1.2)
    assert not watching.done()
    watching.cancel()
    assert await log.head() == 6


async def test_a_process_that_has_appended_nothing_knows_where_the_log_ended_when_it_began(
    appender: Appender, database: TestDatabase, superuser: str
) -> None:
    for _ in range(5):
        await appender.append(request(event(uuid4())))
    continuity = Continuity()
    async with connection_pool(database.app, check_new=continuity.check) as pool:
        await Log(pool).head()
        put_back(superuser, database, 3)
        with pytest.raises(LogReplacedError):
            await asyncio.wait_for(continuity.watch(pool), 5)
