"""Whoever waits for an order's end hears that it was taken, whatever goes wrong meanwhile."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from api.callers.caller import Caller
from api.epochs_after import epochs_after
from api.orders.ending import ended_within
from api.services import Services
from commands.errors import SubmissionUnknownError
from domain.epochs import Epochs
from event_store.errors import PositionGapError, UnknownTopicError, UnreadableEventError
from event_store.types import PositionedEvent
from projections.errors import FeedStoppedError, OrderUnknownError, SlowConsumerError

ORDER = UUID(int=7)
CALLER = cast(Caller, SimpleNamespace(account_id=UUID(int=1)))
UNREADABLE = UnreadableEventError(
    cast(PositionedEvent, SimpleNamespace(topic="order.FromTheFuture")), UnknownTopicError()
)
OUTAGES = [psycopg.OperationalError("gone"), PoolTimeout("none"), psycopg.errors.IdleInTransactionSessionTimeout()]


class Live:
    """A feed that has an order which has ended, or fails at one of its steps."""

    order = SimpleNamespace(ended=True)

    def __init__(self, at_follow: Exception | None = None, at_next: Exception | None = None) -> None:
        self._at_follow, self._at_next = at_follow, at_next
        self.following = 0

    async def follow(self, *_: Any, **__: Any) -> Live:
        if self._at_follow:
            raise self._at_follow
        self.following += 1
        return self

    def next(self) -> None:
        if self._at_next:
            raise self._at_next

    def leave(self, _: Live) -> None:
        self.following -= 1


def failing(error: Exception) -> Any:
    async def fails(*_: Any, **__: Any) -> Any:
        raise error

    return fails


async def staying() -> Any:
    """What a client's request says that is still there: nothing more."""
    await asyncio.get_running_loop().create_future()


async def waited(live: Live, at_load: Exception) -> Any:
    services = SimpleNamespace(live=live, events=SimpleNamespace(load=failing(at_load)), mapper=None)
    ended = await ended_within(cast(Services, services), CALLER, ORDER, 5, staying)
    assert live.following == 0
    return ended


@pytest.mark.parametrize("error", OUTAGES)
async def test_an_order_that_can_not_be_read_once_it_has_ended_was_taken_all_the_same(error: Exception) -> None:
    assert await waited(Live(), error) is None


@pytest.mark.parametrize(
    "error", [FeedStoppedError(), UNREADABLE, SlowConsumerError(), PositionGapError("9"), ValueError("unforeseen")]
)
async def test_an_order_whose_stream_breaks_off_was_taken_all_the_same(error: Exception) -> None:
    assert await waited(Live(at_next=error), error) is None


@pytest.mark.parametrize("error", [FeedStoppedError(), OrderUnknownError(), UNREADABLE, *OUTAGES])
async def test_an_order_that_nobody_can_follow_was_taken_all_the_same(error: Exception) -> None:
    assert await waited(Live(at_follow=error), error) is None


@pytest.mark.parametrize("error", [UNREADABLE, *OUTAGES])
async def test_of_what_was_recorded_nobody_says_that_nothing_was(error: Exception) -> None:
    """An epoch that began meanwhile has to be read, and that may fail."""
    with pytest.raises(SubmissionUnknownError) as unknown:
        await epochs_after(cast(Services, SimpleNamespace(epochs=failing(error))), ORDER)
    assert unknown.value.order_id == ORDER


async def test_what_was_recorded_is_named_by_the_epoch_that_it_is_of() -> None:
    async def epochs() -> Epochs:
        return Epochs(found_at=3)

    assert await epochs_after(cast(Services, SimpleNamespace(epochs=epochs)), ORDER) == Epochs(found_at=3)
