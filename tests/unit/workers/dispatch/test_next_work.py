"""What an event asks for, and what a batch of them comes to."""

from __future__ import annotations

from uuid import UUID

from domain import events as e
from workers.dispatch.next_work import AT_ONCE, EXECUTED_AFTER, SETBACKS, NextWork, next_work_of
from workers.dispatch.work import SETBACK

ORDER = UUID(int=1)


def recorded(topic: str, version: int) -> tuple[UUID, int, str]:
    return ORDER, version, topic


def test_every_event_says_what_comes_next():
    assert set(EXECUTED_AFTER) == {event.TOPIC for event in e.ORDER_EVENTS}
    assert all(EXECUTED_AFTER[topic] for topic in AT_ONCE | SETBACKS)


def test_a_batch_comes_to_its_last_word_on_each_order():
    batch = [recorded(e.OrderSubmitted.TOPIC, 1), recorded(e.OrderTriggered.TOPIC, 2), recorded(e.OrderRouted.TOPIC, 3)]
    assert next_work_of(batch).moves == (NextWork(ORDER, 3, executed=True, setback=False),)


def test_an_attempt_is_tracked_though_the_batch_ends_later():
    batch = [recorded(e.TransactionBuilt.TOPIC, 4), recorded(e.TransactionSubmitted.TOPIC, 5)]
    asked = next_work_of(batch)
    assert asked.tracked == {ORDER: 5}
    assert asked.moves == (NextWork(ORDER, 5, executed=False, setback=False),)


def test_a_setback_waits_before_it_is_tried_again():
    [move] = next_work_of([recorded(e.AttemptExpired.TOPIC, 6)]).moves
    assert (move.executed, move.setback) == (True, True)


def test_other_streams_are_passed_over():
    assert next_work_of([recorded("reconciliation.Something", 1)]).moves == ()


def test_trying_again_takes_a_quarter_of_a_second_to_five():
    waits = [SETBACK.after(failures).total_seconds() for failures in (1, 2, 5, 6, 1000)]
    assert waits == [0.25, 0.5, 4, 5, 5]
