"""What is followed beyond its time: the guards of orders whose attempts count as lost, and losers, for a day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

import pytest

from chains.protocol import Chain, Inconclusive
from commands.ids import DEFAULT_ACCOUNT
from commands.loaded_order import LoadedOrder
from domain import events as e
from domain.evidence import ExpiryEvidence
from domain.evolve import fold
from tests.unit.domain.scenario import built, expired, given, landing, routed, sent, submitted
from workers.tracker import guard_watch
from workers.tracker.expiry_prover import note_guard
from workers.tracker.guard_watch import BLOCKS_A_DAY, GuardWatch
from workers.tracker.tracked_attempt import TrackedAttempt
from workers.tracker.tracked_attempts import TrackedAttempts

LOST = (*submitted(), routed(), built(), sent(), expired())
FAILED = e.OrderFailed(code="deadline_passed", detail="", retryable=True)
TWO = (*submitted(), routed(), built(), sent(), routed(), built(2), sent(2))
LANDS_UNTIL = 250
ABSENT = ExpiryEvidence(endpoints=(), configured=2)
SHOWN_BY_ONE = Inconclusive("another.example: it shows no guard", guard_seen=True)
UNANSWERED = Inconclusive("nobody answers")


def loaded(number: int, *events: e.OrderEvent) -> LoadedOrder:
    return LoadedOrder(UUID(int=number), DEFAULT_ACCOUNT, fold(events), len(events), events)


@pytest.fixture
def tracked() -> TrackedAttempts:
    # What these tests call reads neither orders nor rows.
    return TrackedAttempts(*cast("tuple[Any, Any, Any]", (None, None, None)))


class Heights:
    """Of the chain, the height that enough endpoints have passed."""

    def __init__(self, height: int) -> None:
        self._height = height

    async def passed_height(self) -> int:
        return self._height


async def let_go(tracked: TrackedAttempts, height: int = 0, *, passed: int | None = None) -> list[int]:
    """By one endpoint's ``height``, and that which enough have ``passed``, the same unless it is given; returns the
    orders whose guards are watched on.
    """
    chain = cast(Chain, Heights(height if passed is None else passed))
    await GuardWatch(chain).let_go(tracked.watched(), tracked.losers(), height)
    return [attempt.order_id.int for attempt in tracked.watched() if not attempt.schedule.finished]


def looked_at(attempts: Sequence[TrackedAttempt]) -> None:
    for attempt in attempts:
        attempt.schedule.looked_at = True


def tell(tracked: TrackedAttempts, answer: ExpiryEvidence | Inconclusive) -> None:
    for attempt in tracked.watched():
        note_guard(attempt, answer)


async def test_an_order_all_of_whose_attempts_count_as_lost_is_watched_and_asked_for_no_status(
    tracked: TrackedAttempts,
):
    tracked.update(loaded(1, *LOST))
    tracked.update(loaded(2, *LOST, FAILED))
    tracked.update(loaded(3, *LOST, routed(), built(2)))
    tracked.update(loaded(4, *submitted(), FAILED))
    assert await let_go(tracked) == [1, 2]
    assert [attempt.order_id.int for attempt in tracked.select(ended=False)] == [3]
    assert tracked.select(ended=True) == []


async def test_one_that_was_executed_elsewhere_is_not(tracked: TrackedAttempts):
    tracked.update(loaded(1, *LOST, FAILED.model_copy(update={"code": "executed_elsewhere"})))
    assert await let_go(tracked) == []


async def test_a_watch_ends_a_day_of_blocks_after_the_last_height_of_its_attempts(tracked: TrackedAttempts):
    tracked.update(loaded(1, *LOST, FAILED))
    looked_at(tracked.watched())
    assert await let_go(tracked, LANDS_UNTIL + BLOCKS_A_DAY) == [1]
    assert await let_go(tracked, LANDS_UNTIL + BLOCKS_A_DAY + 1) == []


async def test_so_does_a_losers(tracked: TrackedAttempts):
    (confirmed,) = given(*TWO).when(landing(1)).then(e.OrderConfirmed)
    tracked.update(loaded(1, *TWO, confirmed))
    (loser,) = tracked.losers()
    looked_at([loser])
    await let_go(tracked, LANDS_UNTIL + BLOCKS_A_DAY)
    # Nobody waits for either of them: neither is asked for as often as what an open order waits for.
    assert tracked.select(ended=False) == []
    assert tracked.select(ended=True)[1:] == [loser]
    await let_go(tracked, LANDS_UNTIL + BLOCKS_A_DAY + 1)
    # What was confirmed is followed until it is final, however long that takes.
    assert [attempt.number for attempt in tracked.select(ended=True)] == [1]


async def test_one_endpoints_height_alone_ends_no_watch(tracked: TrackedAttempts):
    tracked.update(loaded(1, *LOST, FAILED))
    looked_at(tracked.watched())
    over = LANDS_UNTIL + BLOCKS_A_DAY + 1
    assert await let_go(tracked, over, passed=over - 1) == [1]
    assert await let_go(tracked, over, passed=over) == []


async def test_nor_does_a_height_before_its_guard_was_looked_at(tracked: TrackedAttempts):
    """The engine stood still for more than a day: what happened meanwhile is still to be found."""
    tracked.update(loaded(1, *LOST, FAILED))
    over = LANDS_UNTIL + BLOCKS_A_DAY + 1
    assert await let_go(tracked, over) == [1]
    looked_at(tracked.watched())
    # What is read anew of the order goes on from there.
    tracked.update(loaded(1, *LOST, FAILED))
    assert await let_go(tracked, over) == []


async def test_nor_while_an_endpoint_shows_the_guard_of_an_order_that_counts_as_not_executed(tracked: TrackedAttempts):
    """Another one may hide it: as long as they differ it is looked on, and its outcome is said to be unknown."""
    tracked.update(loaded(1, *LOST, FAILED))
    over = LANDS_UNTIL + BLOCKS_A_DAY + 1
    tell(tracked, ABSENT)
    tell(tracked, SHOWN_BY_ONE)
    tell(tracked, UNANSWERED)
    assert await let_go(tracked, over) == [1]
    tell(tracked, ABSENT)
    tell(tracked, UNANSWERED)
    assert await let_go(tracked, over) == []


def test_a_losers_guard_is_to_be_there(tracked: TrackedAttempts) -> None:
    (confirmed,) = given(*TWO).when(landing(1)).then(e.OrderConfirmed)
    tracked.update(loaded(1, *TWO, confirmed))
    (loser,) = tracked.losers()
    note_guard(loser, UNANSWERED)
    assert not loser.schedule.looked_at
    for answer in (SHOWN_BY_ONE, ABSENT):
        loser.schedule.looked_at = False
        note_guard(loser, answer)
        assert loser.schedule.looked_at


async def test_of_too_many_the_oldest_are_let_go(tracked: TrackedAttempts, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guard_watch, "MOST_WATCHED", 2)
    for number in range(1, 5):
        tracked.update(loaded(number, *LOST, FAILED))
    assert await let_go(tracked) == [3, 4]
