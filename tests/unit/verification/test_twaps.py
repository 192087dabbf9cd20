"""`surefill verify` compares TWAPs with their slices' orders."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from domain.commands import SubmitOrder
from domain.decide import decide
from domain.events import OrderEvent
from domain.twap_events import SliceRefused, TwapPaused
from domain.twap_schedule import slice_id, slice_terms
from tests.unit.domain.test_twap import LIST, submitted, terms
from verification.twaps import Twaps

REFUSED = SliceRefused(slice=2, code="trading_halted", detail="It is.")


def slice_order(number: int, **changes: Any) -> list[OrderEvent]:
    asked = slice_terms(terms(**changes), 20, number)
    return decide(None, SubmitOrder(asked, None, "localnet", parent_id=LIST))


def faults(
    *slices: tuple[UUID, list[OrderEvent]], events: tuple[Any, ...] = (), executed: tuple[int, ...] = ()
) -> list[str]:
    """``executed``: by their numbers, slices that the log has found executed elsewhere."""
    met = Twaps()
    for order_id, order in slices:
        met.meet_order(order_id, order)
    if events:
        assert met.meet_list(LIST, events) is None
    return [found.what for found in met.differences({slice_id(LIST, number) for number in executed})]


def taken(number: int) -> tuple[UUID, list[OrderEvent]]:
    return slice_id(LIST, number), slice_order(number)


def test_slices_that_their_list_knows_are_no_fault() -> None:
    assert faults(taken(1), taken(3), events=(submitted(), REFUSED)) == []


def test_a_story_that_cannot_be_is_one() -> None:
    assert "begins" in str(Twaps().meet_list(LIST, [TwapPaused(by="me")]))


def test_a_slice_of_no_list_or_of_no_number_is_one() -> None:
    assert "isn't in the log" in faults(taken(1))[0]
    assert "no such slice" in faults((uuid4(), slice_order(1)), events=(submitted(),))[0]


def test_a_slice_with_other_terms_or_that_was_refused_is_one() -> None:
    assert "not those" in faults((slice_id(LIST, 1), slice_order(1, amount_in=10**9 * 2)), events=(submitted(),))[0]
    assert "was refused" in faults(taken(1), taken(2), events=(submitted(), REFUSED))[0]


def test_a_slice_that_is_missing_before_a_later_one_is_one() -> None:
    assert "slice 2" in faults(taken(1), taken(3), events=(submitted(),))[0]


def test_what_was_executed_elsewhere_was_submitted_by_no_schedule() -> None:
    events = (submitted(), REFUSED)
    assert faults(taken(2), taken(4), events=events, executed=(2, 4)) == []
    assert "slice 1" in faults(taken(2), taken(3), events=events, executed=(2,))[0]
    assert "was refused" in faults(taken(1), taken(2), events=events, executed=(1,))[0]
    other_terms = (slice_id(LIST, 4), slice_order(4, amount_in=10**9 * 2))
    assert "not those" in faults(other_terms, events=events, executed=(4,))[0]
