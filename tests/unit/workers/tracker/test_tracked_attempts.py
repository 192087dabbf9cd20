"""What the log says of an attempt is read again at any time; what the tracker plans for it stays."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from commands.ids import DEFAULT_ACCOUNT
from commands.loaded_order import LoadedOrder
from domain import events as e
from domain.backoff import Backoff
from domain.evolve import fold
from event_store.types import EventHeader
from tests.unit.domain.scenario import built, expired, routed, sent, submitted
from workers.tracker.schedule import Schedule
from workers.tracker.tracked_attempt import TrackedAttempt
from workers.tracker.tracked_attempts import TrackedAttempts

ORDER = UUID(int=1)
BACKOFF = Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=8))
BUILT = (*submitted(), routed(), built())


def loaded(*events: e.OrderEvent) -> LoadedOrder:
    return LoadedOrder(ORDER, DEFAULT_ACCOUNT, fold(events), len(events), events)


@pytest.fixture
def tracked() -> TrackedAttempts:
    # What these tests call reads neither orders nor rows.
    return TrackedAttempts(*cast("tuple[Any, Any, Any]", (None, None, None)))


def only(tracked: TrackedAttempts) -> TrackedAttempt:
    [attempt] = tracked.select(ended=False)
    return attempt


def test_a_reload_in_the_middle_of_a_back_off_does_not_reset_it(tracked: TrackedAttempts):
    tracked.update(loaded(*BUILT))
    before = only(tracked)
    before.schedule.failed(100.0, BACKOFF)
    before.schedule.failed(101.0, BACKOFF)

    tracked.update(loaded(*BUILT, sent()))

    after = only(tracked)
    assert (before.submitted, after.submitted) == (False, True)
    assert not after.schedule.may_record(102.9)
    assert after.schedule.may_record(103.0)
    after.schedule.failed(103.0, BACKOFF)
    assert not after.schedule.may_record(106.9)  # the third wait, and not the first again


def test_what_a_step_under_way_plans_for_an_attempt_counts_though_the_attempt_was_reloaded(tracked: TrackedAttempts):
    tracked.update(loaded(*BUILT))
    before = only(tracked)
    tracked.update(loaded(*BUILT, sent()))
    later = before.schedule.last_send + 500
    before.schedule.sent(later)
    assert not only(tracked).schedule.is_send_due(later + 0.5, pause=1.0)
    assert only(tracked).schedule.is_send_due(later + 1.0, pause=1.0)


def test_another_attempt_of_the_same_order_has_a_schedule_of_its_own(tracked: TrackedAttempts):
    tracked.update(loaded(*BUILT))
    only(tracked).schedule.failed(100.0, BACKOFF)
    tracked.update(loaded(*BUILT, sent(), expired(), routed(), built(2)))
    assert only(tracked).number == 2
    assert only(tracked).schedule.may_record(0.0)


async def test_an_event_that_directly_follows_is_applied_without_a_read(tracked: TrackedAttempts):
    tracked.update(loaded(*BUILT))
    before = only(tracked)
    await tracked.apply([EventHeader(ORDER, len(BUILT) + 1, e.TransactionSubmitted.TOPIC, 9)])
    after = only(tracked)
    assert (after.submitted, after.version) == (True, len(BUILT) + 1)
    assert after.schedule is before.schedule


def test_an_older_history_changes_nothing(tracked: TrackedAttempts):
    tracked.update(loaded(*BUILT, sent()))
    tracked.update(loaded(*BUILT))
    assert only(tracked).submitted


def test_recording_that_works_ends_the_back_off():
    schedule = Schedule.starting(0.0)
    schedule.failed(100.0, BACKOFF)
    schedule.failed(100.0, BACKOFF)
    schedule.recorded()
    assert schedule.may_record(100.0)
    schedule.failed(200.0, BACKOFF)
    assert schedule.may_record(201.0)  # the first wait again


class SlowRows:
    """A work table that is a moment away, and once not there."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.cleared: list[int] = []

    async def clear_uncertainty(self, order_id: UUID, attempt: int) -> None:
        await asyncio.sleep(0)
        if self.fails:
            raise ConnectionError
        self.cleared.append(attempt)

    async def untrack(self, versions: dict[UUID, int]) -> None: ...


def ended_while_uncertain(rows: SlowRows) -> TrackedAttempts:
    tracked = TrackedAttempts(*cast("tuple[Any, Any, Any]", (None, rows, None)))
    tracked.update(loaded(*BUILT))
    only(tracked).schedule.failed(100.0, BACKOFF)
    tracked.update(loaded(*BUILT, sent(), expired()))
    return tracked


async def test_two_loops_take_back_what_was_said_of_an_ended_attempt_once():
    rows = SlowRows()
    tracked = ended_while_uncertain(rows)
    await asyncio.gather(tracked.forget_finished(), tracked.forget_finished())
    assert rows.cleared == [1]


async def test_what_could_not_be_taken_back_is_taken_back_later():
    rows = SlowRows(fails=True)
    tracked = ended_while_uncertain(rows)
    with pytest.raises(ConnectionError):
        await tracked.forget_finished()
    rows.fails = False
    await tracked.forget_finished()
    assert rows.cleared == [1]
