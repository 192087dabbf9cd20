"""The readers of a process share their folds."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from event_store.replay import follow
from event_store.types import LastFold, PositionedEvent, RecordedEvent
from tests.unit.domain.scenario import submitted

COLUMNS = (UUID(int=1), 1, UUID(int=2), "t", b"s", UUID(int=3), UUID(int=4), UUID(int=5), None, 1, datetime.now(UTC))
[FIRST, *_] = submitted()


class Counted:
    """Folds to a list with one more event, and counts how often it was asked to."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, state: list[object] | None, event: object) -> list[object]:
        self.calls += 1
        return [*(state or ()), event]


def test_an_event_in_memory_is_folded_once_for_all_who_come_from_the_same_state():
    evolve, event = Counted(), PositionedEvent(*COLUMNS, last_fold=LastFold())
    state: list[object] = []

    first = follow(state, event, FIRST, evolve)
    second = follow(state, event, FIRST, evolve)

    assert (first, evolve.calls) == ([FIRST], 1)
    assert second is first


def test_from_another_state_or_by_another_fold_it_is_folded_anew():
    evolve, event = Counted(), PositionedEvent(*COLUMNS, last_fold=LastFold())
    follow([], event, FIRST, evolve)

    assert follow([1], event, FIRST, evolve) == [1, FIRST]
    assert follow(None, event, FIRST, Counted()) == [FIRST]


def test_an_event_that_was_read_from_the_log_remembers_nothing():
    evolve, event = Counted(), RecordedEvent(*COLUMNS, b"hash")
    state: list[object] = []
    follow(state, event, FIRST, evolve)
    follow(state, event, FIRST, evolve)
    assert evolve.calls == 2
