from __future__ import annotations

import asyncio
import signal
import time
from uuid import uuid4

import psycopg
import pytest
from prometheus_client import REGISTRY
from psycopg_pool import AsyncConnectionPool

from event_store.append.appender import Appender
from event_store.errors import LogUnavailableError, OutcomeUnknownError, PositionGapError
from event_store.notifier import Notifier
from event_store.pool import connection_pool
from event_store.read.log import Log
from event_store.read.tail import Tail
from event_store.schema.migrate import migrate
from event_store.types import Stored
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedPostgres, EmbeddedValkey
from tests.integration.event_store.requests import event, request, until
from tests.integration.feeds import following


async def collect(tail: Tail, into: list[int]) -> None:
    async for batch in tail:
        assert batch
        into += [recorded.position for recorded in batch]


async def test_a_tail_hands_out_what_is_there_and_then_what_comes(appender: Appender, log: Log) -> None:
    for _ in range(7):
        await appender.append(request(event(uuid4())))
    tail = Tail(log.read, 2, limit=3)

    assert [recorded.position for recorded in await anext(tail)] == [3, 4, 5]
    assert [recorded.position for recorded in await anext(tail)] == [6, 7]
    waiting = asyncio.ensure_future(anext(tail))
    await appender.append(request(event(uuid4())))
    assert [recorded.position for recorded in await waiting] == [8]
    assert tail.position == 8


async def test_events_gather_before_a_read_unless_there_is_more_or_somebody_waits(appender: Appender, log: Log) -> None:
    for _ in range(4):
        await appender.append(request(event(uuid4())))
    hurry = asyncio.Event()
    tail = Tail(log.read, 0, limit=3, gather=0.5, hurry=hurry)

    assert [recorded.position for recorded in await anext(tail)] == [1, 2, 3]
    started = time.monotonic()
    assert [recorded.position for recorded in await anext(tail)] == [4]
    assert time.monotonic() - started < 0.5
    waiting = asyncio.ensure_future(anext(tail))
    for _ in range(2):
        await appender.append(request(event(uuid4())))
    assert [recorded.position for recorded in await waiting] == [5, 6]
    assert time.monotonic() - started >= 0.5

    tail.gather = 30
    await appender.append(request(event(uuid4())))
    waiting = asyncio.ensure_future(anext(tail))
    hurry.set()
    async with asyncio.timeout(5):
        assert [recorded.position for recorded in await waiting] == [7]
    assert not hurry.is_set()


def failures() -> float:
    value = REGISTRY.get_sample_value("surefill_notifier_failures_total")
    assert value is not None
    return value


async def test_a_wake_up_after_the_commit_saves_the_poll(
    database: TestDatabase, log: Log, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The appender is another process's: the feed isn't handed what it stores."""
    prefix = f"test:{uuid4()}"
    notifier, others = Notifier(valkey.url, prefix=prefix), Notifier(valkey.url, prefix=prefix)
    await others.start()
    monkeypatch.setattr("event_store.read.feed.POLL_S", 30)
    monkeypatch.setattr("event_store.read.feed.POLL_ALONE_S", 30)
    before = failures()
    appender = Appender(database.app, notifier=others)
    await appender.start()
    seen: list[int] = []
    async with following(log, notifier) as feed:
        tailing = asyncio.create_task(collect(Tail(feed.read, 0, wakes=feed, poll=30), seen))
        try:
            await until(lambda: notifier.subscribed)

            for position in range(1, 6):
                started = time.monotonic()
                assert await appender.append(request(event(uuid4()))) == Stored(position)
                await until(lambda position=position: seen[-1:] == [position])
                assert time.monotonic() - started < 5
        finally:
            tailing.cancel()
            await appender.stop()
            await others.stop()
            await notifier.stop()
    assert failures() == before


async def test_without_valkey_the_poll_is_the_guarantee(database: TestDatabase, log: Log) -> None:
    before = failures()
    server = EmbeddedValkey()
    notifier = Notifier(server.url)
    await notifier.start()
    appender = Appender(database.app, notifier=notifier)
    await appender.start()
    seen: list[int] = []
    async with following(log, notifier) as feed:
        tailing = asyncio.create_task(collect(Tail(feed.read, 0, wakes=feed), seen))
        try:
            assert await appender.append(request(event(uuid4()))) == Stored(1)
            await until(lambda: seen == [1] and failures() > before)

            await asyncio.to_thread(server.start)
            await until(lambda: notifier.subscribed)
        finally:
            tailing.cancel()
            await appender.stop()
            await notifier.stop()
            server.stop()


async def test_tail_and_appender_survive_a_restart_of_postgresql(own_postgres: EmbeddedPostgres) -> None:
    app = own_postgres.url("surefill", "surefill", "surefill")
    await migrate(own_postgres.url("surefill_owner", "owner", "surefill"), app)
    appender = Appender(app)
    await appender.start()
    async with connection_pool(app) as pool:
        tail = Tail(Log(pool).read, 0)
        seen: list[int] = []
        tailing = asyncio.create_task(collect(tail, seen))
        try:
            for position, how in ((1, signal.SIGINT), (2, signal.SIGQUIT)):
                assert await appender.append(request(event(uuid4()))) == Stored(position)
                await until(lambda position=position: seen[-1:] == [position])

                await asyncio.to_thread(own_postgres.stop, how)
                await until(lambda: not tail.healthy)
                with pytest.raises((LogUnavailableError, OutcomeUnknownError)):
                    await appender.append(request(event(uuid4())))

                await asyncio.to_thread(own_postgres.start)
                started = time.monotonic()
                await until(lambda: tail.healthy)
                assert time.monotonic() - started < 5
            assert await appender.append(request(event(uuid4()))) == Stored(3)
            await until(lambda: seen == [1, 2, 3])
        finally:
            tailing.cancel()
            await appender.stop()


async def test_no_reader_goes_past_a_hole_in_the_log(
    appender: Appender, log: Log, postgres: EmbeddedPostgres, database: TestDatabase, pool: AsyncConnectionPool
) -> None:
    for _ in range(3):
        await appender.append(request(event(uuid4())))
    name = database.owner.rpartition("/")[2]
    with psycopg.connect(postgres.url("postgres", postgres.password, name), autocommit=True) as superuser:
        superuser.execute("alter table surefill.events disable trigger all")
        superuser.execute("delete from surefill.events where position = 2")

    with pytest.raises(PositionGapError, match="position 2 is missing"):
        await anext(Tail(log.read, 0))
