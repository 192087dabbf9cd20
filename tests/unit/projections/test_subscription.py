"""A subscription gives what is new, once and in order, or ends and says why."""

from __future__ import annotations

import asyncio

import pytest

from event_store.errors import PositionGapError
from projections.errors import FeedStoppedError, SlowConsumerError
from projections.live import Subscription
from tests.unit.projections.recording import record
from tests.unit.projections.test_fold_batch import WHOLE

HISTORY = record(WHOLE)


async def test_what_the_stream_already_gave_is_not_given_again() -> None:
    subscription = Subscription(10)
    for event in HISTORY:
        subscription.offer(event)
    following = subscription.above(4)
    assert [(await anext(following)).version for _ in range(2)] == [5, 6]


async def test_a_subscriber_waits_for_what_comes() -> None:
    subscription = Subscription(10)
    waiting = asyncio.create_task(anext(subscription.above(0)))
    await asyncio.sleep(0)
    assert not waiting.done()
    subscription.offer(HISTORY[0])
    assert (await waiting).version == 1


async def test_a_subscriber_that_falls_behind_is_told_so_and_never_holds_up_the_feed() -> None:
    subscription = Subscription(2)
    for event in HISTORY:
        subscription.offer(event)
    with pytest.raises(SlowConsumerError):
        await anext(subscription.above(0))


async def test_a_feed_that_stops_ends_its_subscriptions() -> None:
    subscription = Subscription(2)
    waiting = asyncio.create_task(anext(subscription.above(0)))
    await asyncio.sleep(0)
    subscription.end(FeedStoppedError())
    with pytest.raises(FeedStoppedError):
        await waiting


async def test_a_gap_is_a_fault_and_never_delivered() -> None:
    subscription = Subscription(10)
    subscription.offer(HISTORY[2])
    with pytest.raises(PositionGapError):
        await anext(subscription.above(1))
