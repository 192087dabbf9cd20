"""The feed holds what the log holds: its own process's appends without reading them, everybody else's by reading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from event_store.append.appender import Appender
from event_store.notifier import Notifier
from event_store.read.feed import LogFeed
from event_store.read.log import Log
from event_store.read.tail import Tail
from event_store.types import InMemory, PositionedEvent
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedValkey
from tests.integration.event_store.requests import event, request

_STORED = [name for name in PositionedEvent.__struct_fields__ if name not in InMemory.__struct_fields__]


@asynccontextmanager
async def running(feed: LogFeed) -> AsyncIterator[LogFeed]:
    task = asyncio.create_task(feed.run())
    try:
        await asyncio.wait_for(feed.begun(), 5)
        yield feed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def appending(database: TestDatabase, feed: LogFeed | None = None, notifier: Notifier | None = None):
    appender = Appender(database.app, stored=feed.offer if feed else None, notifier=notifier)
    await appender.start()
    try:
        yield appender
    finally:
        await appender.stop()


async def reached(feed: LogFeed, position: int) -> None:
    grown = feed.subscribe()
    async with asyncio.timeout(10):
        while feed.position < position:
            grown.clear()
            await grown.wait()


def same(one: PositionedEvent, other: PositionedEvent) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in _STORED)


async def test_what_the_process_appends_itself_is_there_when_its_append_returns_and_is_never_read(
    database: TestDatabase, log: Log
) -> None:
    async def never(after: int, limit: int) -> list[PositionedEvent]:
        return await asyncio.Future()

    async with running(LogFeed(never, log.head)) as feed, appending(database, feed) as appender:
        for number in range(20):
            await appender.append(request(event(uuid4()), event(uuid4())))
            assert feed.position == 2 * (number + 1)
        kept = await feed.read(0)
    assert len(kept) == 40
    assert all(map(same, kept, await log.read(0)))


@pytest.mark.parametrize("wakes", [True, False])
async def test_own_and_others_appends_come_in_the_order_of_the_log(
    wakes: bool, database: TestDatabase, log: Log, valkey: EmbeddedValkey
) -> None:
    notifier = Notifier(valkey.url)
    if wakes:
        await notifier.start()
    feed = LogFeed(log.read, log.head, notifier if wakes else None)
    async with (
        running(feed),
        appending(database, feed) as own,
        appending(database, notifier=notifier if wakes else None) as other,
    ):
        writes = [(own if number % 3 else other).append(request(event(uuid4()))) for number in range(300)]
        await asyncio.gather(*writes)
        await reached(feed, 300)
        kept = await feed.read(0)
    await notifier.stop()
    assert [one.position for one in kept] == list(range(1, 301))
    assert all(map(same, kept, await log.read(0)))


async def test_what_was_stored_before_the_feed_began_is_read_from_the_log(database: TestDatabase, log: Log) -> None:
    feed = LogFeed(log.read, log.head)
    async with appending(database, feed) as appender:
        for _ in range(5):
            await appender.append(request(event(uuid4())))
        async with running(feed):
            await appender.append(request(event(uuid4())))
            assert [one.position for one in await feed.read(0)] == [1, 2, 3, 4, 5, 6]
            assert [one.position for one in await feed.read(5)] == [6]
            assert await feed.read(6) == []


async def test_who_read_before_the_feed_had_begun_is_woken_once_it_has(database: TestDatabase, log: Log) -> None:
    async with appending(database) as appender:
        await appender.append(request(event(uuid4())))
    feed = LogFeed(log.read, log.head)
    first = asyncio.create_task(anext(Tail(feed.read, 0, wakes=feed, poll=30)))
    await asyncio.sleep(0)  # it looks, finds nothing, and waits
    async with running(feed):
        assert [one.position for one in await asyncio.wait_for(first, 10)] == [1]


async def test_a_reader_that_is_far_behind_gets_the_log_and_then_the_memory(
    database: TestDatabase, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("event_store.read.feed.KEPT", 10)
    feed = LogFeed(log.read, log.head)
    async with running(feed), appending(database, feed) as appender:
        for _ in range(30):
            await appender.append(request(event(uuid4())))
        seen: list[int] = []
        while seen[-1:] != [30]:
            seen += [one.position for one in await feed.read(seen[-1] if seen else 0, 7)]
    assert seen == list(range(1, 31))


async def test_no_reader_gets_what_the_feed_itself_has_not_heard_of_yet(database: TestDatabase, log: Log) -> None:
    held = True

    async def read(after: int, limit: int) -> Sequence[PositionedEvent]:
        return [] if held and after >= 3 else await log.read(after, limit)

    feed = LogFeed(read, log.head)
    heard: list[int] = []
    feed.follow(lambda events: heard.extend(one.position for one in events))
    async with appending(database) as other:
        for _ in range(3):
            await other.append(request(event(uuid4())))
        async with running(feed):
            for _ in range(3):
                await other.append(request(event(uuid4())))
            # The log goes on to 6, and memory begins after 3: this is read from the log.
            assert [one.position for one in await feed.read(0)] == [1, 2, 3]
            held = False
            await reached(feed, 6)
            assert [one.position for one in await feed.read(0)] == [1, 2, 3, 4, 5, 6]
    assert heard == [4, 5, 6]


async def test_what_another_process_stored_between_is_not_passed_over(database: TestDatabase, log: Log) -> None:
    stored: list[PositionedEvent] = []
    held = True

    async def read(after: int, limit: int) -> Sequence[PositionedEvent]:
        return [] if held else await log.read(after, limit)

    feed = LogFeed(read, log.head)
    heard: list[int] = []
    feed.follow(lambda events: heard.extend(one.position for one in events))
    own = Appender(database.app, stored=stored.extend)
    await own.start()
    async with running(feed), appending(database) as other:
        await own.append(request(event(uuid4())))
        await other.append(request(event(uuid4())))
        await own.append(request(event(uuid4())))
        await own.stop()
        # As after a statement that was sent in halves.
        feed.offer(stored)
        assert [one.position for one in stored] == [1, 3]
        held = False
        await reached(feed, 3)
    assert heard == [1, 2, 3]
