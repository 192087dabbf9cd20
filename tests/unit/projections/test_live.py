"""What the live feed keeps in memory, and for how long; the log it reads is a list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY

from commands.ids import DEFAULT_ACCOUNT
from event_store.read.feed import LogFeed
from event_store.types import PositionedEvent, RecordedEvent
from projections.errors import FeedStoppedError, OrderUnknownError, VersionAheadError
from projections.followed_order import Follower
from projections.live import LiveFeed
from tests.unit.projections.recording import MAPPER, record
from tests.unit.projections.test_fold_batch import WHOLE

ENDED = len(WHOLE)


class Recorded:
    """Events that were there before the process began, and how often a stream of them was read."""

    def __init__(self, *streams: Sequence[RecordedEvent]) -> None:
        self.events = [event for stream in streams for event in stream]
        self.loads = 0
        self.free = asyncio.Event()
        self.free.set()

    async def load(self, stream_id: UUID, *, upto: int | None = None) -> list[RecordedEvent]:
        self.loads += 1
        await self.free.wait()
        return [event for event in self.events if event.stream_id == stream_id and event.version <= (upto or 1_000)]

    async def read(self, after: int, limit: int) -> list[PositionedEvent]:
        return list(self.events[after : after + limit])

    async def head(self) -> int:
        return len(self.events)


@asynccontextmanager
async def running(
    log: Recorded, *, unfollowed: int = 10
) -> AsyncIterator[tuple[LiveFeed, LogFeed, asyncio.Task[None]]]:
    feed = LogFeed(log.read, log.head)
    live = LiveFeed(feed, log.load, MAPPER, unfollowed=unfollowed)
    reading, fanning = asyncio.create_task(feed.run()), asyncio.create_task(live.run())
    try:
        yield live, feed, fanning
    finally:
        for task in (reading, fanning):
            task.cancel()
        await asyncio.gather(reading, fanning, return_exceptions=True)


def orders(count: int, events: int) -> list[list[RecordedEvent]]:
    return [record(WHOLE[:events], order_id=uuid4(), position=1 + k * events) for k in range(count)]


async def follow(live: LiveFeed, order_id: UUID, *, account_id: UUID = DEFAULT_ACCOUNT, after: int = 0) -> Follower:
    return await live.follow(order_id, account_id, after=after, events=True, wake=lambda: None)


def in_memory() -> float | None:
    return REGISTRY.get_sample_value("surefill_live_orders")


async def test_an_order_that_goes_on_is_read_once_for_all_who_come_and_come_back() -> None:
    [stream] = orders(1, 3)
    log = Recorded(stream)
    async with running(log) as (live, _, _):
        for _ in range(2):
            followers = await asyncio.gather(*(follow(live, stream[0].stream_id) for _ in range(5)))
            for follower in followers:
                assert len(list(iter(follower.next, None))) == 3
                live.leave(follower)
    assert log.loads == 1


async def test_an_order_that_has_ended_is_forgotten_with_its_last_follower() -> None:
    [stream] = orders(1, ENDED)
    async with running(Recorded(stream)) as (live, _, _):
        first, last = await follow(live, stream[0].stream_id), await follow(live, stream[0].stream_id)
        live.leave(first)
        assert in_memory() == 1
        live.leave(last)
        assert in_memory() == 0


async def test_an_order_that_ends_while_nobody_follows_it_is_forgotten() -> None:
    [stream] = orders(1, ENDED)
    log = Recorded(stream[:3])
    async with running(log) as (live, feed, _):
        live.leave(await follow(live, stream[0].stream_id))
        assert in_memory() == 1
        feed.offer(stream[3:])
        async with asyncio.timeout(5):
            while in_memory():
                await asyncio.sleep(0.01)


async def test_of_orders_that_nobody_follows_the_last_few_are_kept() -> None:
    streams = orders(3, 2)
    log = Recorded(*streams)
    async with running(log, unfollowed=2) as (live, _, _):
        for stream in streams:
            live.leave(await follow(live, stream[0].stream_id))
        assert in_memory() == 2
        live.leave(await follow(live, streams[2][0].stream_id))
        assert log.loads == 3
        live.leave(await follow(live, streams[0][0].stream_id))
        assert log.loads == 4


async def test_nothing_stays_of_an_order_that_is_not_there_or_another_accounts() -> None:
    [stream] = orders(1, ENDED)
    async with running(Recorded(stream)) as (live, _, _):
        with pytest.raises(OrderUnknownError):
            await follow(live, uuid4())
        with pytest.raises(OrderUnknownError):
            await follow(live, stream[0].stream_id, account_id=uuid4())
        assert in_memory() == 0


async def test_what_comes_while_an_order_is_read_is_not_missed() -> None:
    [stream] = orders(1, ENDED)
    log = Recorded(stream[:2])
    async with running(log) as (live, feed, _):
        await feed.begun()
        log.free.clear()
        following = asyncio.create_task(follow(live, stream[0].stream_id))
        await asyncio.sleep(0.05)
        feed.offer(stream[2:])
        await asyncio.sleep(0.05)
        log.free.set()
        follower = await following
        assert len(list(iter(follower.next, None))) == ENDED


async def test_a_feed_that_stops_meanwhile_says_so_and_not_that_the_order_is_unknown() -> None:
    [stream] = orders(1, 2)
    log = Recorded(stream)
    async with running(log) as (live, feed, fanning):
        await feed.begun()
        log.free.clear()
        following = asyncio.create_task(follow(live, stream[0].stream_id))
        await asyncio.sleep(0.05)
        fanning.cancel()
        await asyncio.gather(fanning, return_exceptions=True)
        log.free.set()
        with pytest.raises(FeedStoppedError):
            await following


async def test_a_version_that_the_log_does_not_have_yet_is_refused() -> None:
    [stream] = orders(1, 3)
    async with running(Recorded(stream)) as (live, _, _):
        with pytest.raises(VersionAheadError) as ahead:
            await follow(live, stream[0].stream_id, after=4)
        assert ahead.value.newest == 3
        assert (await follow(live, stream[0].stream_id, after=3)).next() is None


async def test_who_gives_up_at_whatever_step_is_let_go() -> None:
    [stream] = orders(1, 3)
    async with running(Recorded(stream)) as (live, _, _):
        live.leave(await follow(live, stream[0].stream_id))
        given_up = 0
        for steps in range(20):
            following = asyncio.create_task(follow(live, stream[0].stream_id))
            for _ in range(steps):
                await asyncio.sleep(0)
            before = following.done()
            following.cancel()
            [came_of_it] = await asyncio.gather(following, return_exceptions=True)
            if before:
                live.leave(came_of_it)
            else:
                given_up += 1
                assert isinstance(came_of_it, asyncio.CancelledError), steps
    assert 0 < given_up < 20
