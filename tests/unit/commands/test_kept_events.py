"""What a process remembers of an order whose trail moves, once for each way in which it hears of its events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from commands.folded_orders import folded, next_of
from commands.kept_events import kept, moves_since
from commands.loaded_order import LoadedOrder
from domain import events as e
from domain.evolve import fold
from event_store.mapper import EventMapper
from event_store.types import RecordedEvent
from tests.unit.domain.scenario import submitted
from tests.unit.domain.test_trailing_stops import SELL, moved

MAPPER = EventMapper(e.ORDER_EVENTS)
ORDER, ACCOUNT, ANY = UUID(int=1), UUID(int=2), UUID(int=3)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
AMENDED = e.OrderAmended(slippage_bps=70, keeps_place=False)


def recorded(events: Sequence[e.OrderEvent]) -> list[RecordedEvent]:
    """``events``, each a position and a version later than the one before it."""
    return [
        RecordedEvent(ORDER, number, UUID(int=number), *MAPPER.dump(event), ACCOUNT, ANY, ANY, None, number, NOW, b"")
        for number, event in enumerate(events, 1)
    ]


def followed(stream: Sequence[RecordedEvent]) -> LoadedOrder:
    """By the feed, one event after the other."""
    known = LoadedOrder(ORDER, ACCOUNT)
    for one in stream:
        known = next_of(MAPPER, known, one)
    return known


def test_a_trail_that_moves_a_thousand_times_is_remembered_by_its_newest_move() -> None:
    [first] = submitted(**SELL)
    moves = [moved(str(150 + number)) for number in range(1_000)]
    stream = recorded((first, *moves))
    for known in (folded(MAPPER, stream), followed(stream)):
        assert known.events == (first, moves[-1])
        assert (known.version, known.revision) == (1_001, 1)
        assert known.order == fold((first, *moves))


def test_what_its_client_decides_is_between_the_moves_and_is_its_revision() -> None:
    [first] = submitted(**SELL)
    events = (first, moved("150"), moved("151"), AMENDED, moved("152"), moved("153"))
    known = folded(MAPPER, recorded(events))
    assert known.events == (first, moved("151"), AMENDED, moved("153"))
    assert (known.version, known.revision, known.queued_position) == (6, 4, 4)


@given(st.lists(st.booleans(), max_size=8), st.integers(1, 9))
def test_it_is_the_same_however_it_is_heard_of(moves: list[bool], first_read: int) -> None:
    events = (*submitted(**SELL), *(moved(str(150 + n)) if moves[n] else AMENDED for n in range(len(moves))))
    stream = recorded(events)
    whole, before = folded(MAPPER, stream), folded(MAPPER, stream[:first_read])
    assert followed(stream) == whole
    if later := stream[first_read:]:
        assert folded(MAPPER, later, before) == whole
    # As where it is recorded here.
    assert kept(before.events, events[first_read:]) == whole.events
    assert moves_since(before.trail_moves, events[first_read:]) == whole.trail_moves
    newest = max(number for number, event in enumerate(events, 1) if not isinstance(event, e.TrailMoved))
    assert whole.revision == newest
