"""What is followed beyond its time: the guards of orders whose attempts count as lost, and losers, for a day."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import pytest

from commands.ids import DEFAULT_ACCOUNT
from commands.loaded_order import LoadedOrder
from domain import events as e
from domain.evolve import fold
from tests.unit.domain.scenario import built, expired, given, landing, routed, sent, submitted
from workers.tracker import guard_watch
from workers.tracker.guard_watch import BLOCKS_A_DAY, GuardWatch
from workers.tracker.tracked_attempts import TrackedAttempts

LOST = (*submitted(), routed(), built(), sent(), expired())
FAILED = e.OrderFailed(code="deadline_passed", detail="", retryable=True)
TWO = (*submitted(), routed(), built(), sent(), routed(), built(2), sent(2))
LANDS_UNTIL = 250


def loaded(number: int, *events: e.OrderEvent) -> LoadedOrder:
    return LoadedOrder(UUID(int=number), DEFAULT_ACCOUNT, fold(events), len(events), events)


@pytest.fixture
def tracked() -> TrackedAttempts:
    # What these tests call reads neither orders nor rows.
    return TrackedAttempts(*cast("tuple[Any, Any, Any]", (None, None, None)))


def numbers(tracked: TrackedAttempts, height: int = 0) -> list[int]:
    return [attempt.order_id.int for attempt in GuardWatch(tracked).due(height)]


def test_an_order_all_of_whose_attempts_count_as_lost_is_watched_and_asked_for_no_status(tracked: TrackedAttempts):
    tracked.update(loaded(1, *LOST))
    tracked.update(loaded(2, *LOST, FAILED))
    tracked.update(loaded(3, *LOST, routed(), built(2)))
    tracked.update(loaded(4, *submitted(), FAILED))
    assert numbers(tracked) == [1, 2]
    assert [attempt.order_id.int for attempt in tracked.select(confirmed=False)] == [3]


def test_one_that_was_executed_elsewhere_is_not(tracked: TrackedAttempts):
    tracked.update(loaded(1, *LOST, FAILED.model_copy(update={"code": "executed_elsewhere"})))
    assert numbers(tracked) == []


def test_a_watch_ends_a_day_of_blocks_after_the_last_height_of_its_attempts(tracked: TrackedAttempts):
    tracked.update(loaded(1, *LOST, FAILED))
    assert numbers(tracked, LANDS_UNTIL + BLOCKS_A_DAY) == [1]
    assert numbers(tracked, LANDS_UNTIL + BLOCKS_A_DAY + 1) == []


def test_so_does_a_losers(tracked: TrackedAttempts):
    (confirmed,) = given(*TWO).when(landing(1)).then(e.OrderConfirmed)
    tracked.update(loaded(1, *TWO, confirmed))
    (loser,) = tracked.losers()
    GuardWatch(tracked).due(LANDS_UNTIL + BLOCKS_A_DAY)
    assert tracked.select(confirmed=False) == [loser]
    GuardWatch(tracked).due(LANDS_UNTIL + BLOCKS_A_DAY + 1)
    assert tracked.select(confirmed=False) == []
    # What was confirmed is followed until it is final, however long that takes.
    assert [attempt.number for attempt in tracked.select(confirmed=True)] == [1]


def test_of_too_many_the_oldest_are_let_go(tracked: TrackedAttempts, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guard_watch, "MOST_WATCHED", 2)
    for number in range(1, 5):
        tracked.update(loaded(number, *LOST, FAILED))
    assert numbers(tracked) == [3, 4]
