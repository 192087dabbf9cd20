"""The documented states of an order are those of the code, and none leads out of an end."""

from __future__ import annotations

from domain import events as e
from tests.unit.domain.state_machine import DOCUMENT, document, transitions


def test_the_document_says_what_the_code_does() -> None:
    assert DOCUMENT.read_text() == document(), "run `make docs`"


def test_every_event_is_reached() -> None:
    assert {one.event for one in transitions()} == set(e.ORDER_EVENTS)


ENDS = {"confirmed", "failed", "cancelled"}


def test_every_status_is_reached_from_another_and_an_end_is_left_by_nothing_but_a_restated_one_for_its_cancel() -> None:
    found = transitions()
    assert {one.after for one in found} == {"pending", "routing", "building", "submitted"} | ENDS
    assert {one.before for one in found} - ENDS == {None, "pending", "routing", "building", "submitted"}
    for end in ENDS:
        left = {(one.command, one.after) for one in found if one.before == end and one.after != end}
        restated = {("RestateOutcome", "cancelled"), ("RestateOutcome", "failed"), ("RecordOtherLeg", "cancelled")}
        assert left == (restated if end == "confirmed" else set())
