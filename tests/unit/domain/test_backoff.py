"""Waits double up to the longest, and never beyond."""

from __future__ import annotations

from datetime import timedelta

from domain.backoff import Backoff

BACKOFF = Backoff(first=timedelta(milliseconds=250), longest=timedelta(seconds=5))


def test_a_wait_doubles_with_each_failure_up_to_the_longest():
    waits = [BACKOFF.after(failures).total_seconds() for failures in (1, 2, 5, 6, 7, 1_000_000)]
    assert waits == [0.25, 0.5, 4, 5, 5, 5]


def test_the_waits_in_turn_end_with_the_longest():
    assert [wait.total_seconds() for wait in BACKOFF.waits()] == [0.25, 0.5, 1, 2, 4, 5]
