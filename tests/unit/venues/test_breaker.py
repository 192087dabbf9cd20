"""A service that fails is left alone for longer and longer; one request shows whether it is back."""

from __future__ import annotations

import time

import pytest

from domain.codes import Code
from venues.errors import VenueError
from venues.remote.breaker import DISTRUST_S, FAILURES, FIRST_S, LONGEST_S, TRYING_S, CircuitBreaker


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker("jupiter", clock=clock)


def is_asked(breaker: CircuitBreaker) -> bool:
    try:
        breaker.require(within=2.0)
    except VenueError as refused:
        assert refused.code == Code.VENUE_UNAVAILABLE
        return False
    return True


def fail(breaker: CircuitBreaker, times: int = FAILURES) -> None:
    for _ in range(times):
        breaker.failed("no answer")


def test_some_failures_in_a_row_open_it_and_a_success_between_them_does_not(breaker: CircuitBreaker) -> None:
    fail(breaker, FAILURES - 1)
    breaker.succeeded()
    fail(breaker, FAILURES - 1)
    assert is_asked(breaker)
    fail(breaker, 1)
    assert breaker.state == "open"
    assert not is_asked(breaker)
    assert breaker.reason == "no answer"


def test_after_its_time_one_tries_and_the_others_wait_for_it(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += FIRST_S
    assert breaker.state == "half_open"
    assert is_asked(breaker)
    assert not is_asked(breaker)
    breaker.succeeded()
    assert breaker.state == "closed"
    assert is_asked(breaker)


def test_a_try_that_never_comes_back_lets_another_try(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += FIRST_S
    assert is_asked(breaker)
    clock.now += 2.0
    assert is_asked(breaker)


def test_each_failed_try_doubles_the_pause_up_to_a_limit(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker)
    pauses = [breaker.until - clock.now]
    for _ in range(8):
        clock.now = breaker.until
        assert is_asked(breaker)
        breaker.failed("still not")
        pauses.append(breaker.until - clock.now)
    assert pauses[:3] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S]
    assert pauses[-1] == LONGEST_S
    clock.now = breaker.until
    assert is_asked(breaker)
    breaker.succeeded()
    fail(breaker)
    assert breaker.until - clock.now == FIRST_S


def test_who_proposed_what_must_not_be_signed_is_left_alone_at_once_whatever_else_it_answers(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    breaker.distrust("transfer")
    breaker.succeeded()
    assert not is_asked(breaker)
    clock.now += DISTRUST_S - 1
    assert not is_asked(breaker)
    clock.now += 1
    assert is_asked(breaker)


def test_the_trying_ends_by_its_time_where_nothing_shows_whether_it_is_back(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    breaker.distrust("transfer")
    clock.now = breaker.until
    assert is_asked(breaker)
    clock.now = breaker.until + TRYING_S - 1
    assert (breaker.state, breaker.reason) == ("half_open", "transfer")
    clock.now += 1
    assert (breaker.state, breaker.reason) == ("closed", None)
    assert is_asked(breaker)
    assert is_asked(breaker)


def test_what_has_not_succeeded_since_is_left_alone_by_its_next_failure_and_for_longer(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    fail(breaker)
    clock.now = breaker.until + TRYING_S
    assert is_asked(breaker)
    fail(breaker, 1)
    assert breaker.until - clock.now == 2 * FIRST_S
    assert not is_asked(breaker)
    breaker.distrust("transfer")
    clock.now = breaker.until + TRYING_S
    assert is_asked(breaker)
    fail(breaker, 1)
    assert not is_asked(breaker)


def test_it_goes_by_a_clock_that_nobody_sets() -> None:
    breaker = CircuitBreaker("jupiter")
    fail(breaker)
    assert breaker.until - time.monotonic() <= FIRST_S
    assert 0 < breaker.left_s <= FIRST_S
