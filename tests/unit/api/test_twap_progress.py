"""How far a TWAP has come: each slice counts once, whatever became of it."""

from __future__ import annotations

from api.order_lists.twap_progress import SliceOutcome, is_over, twap_view
from tests.unit.domain.test_twap import CANCELLED, REFUSED, state, submitted

OPEN, FILLED = SliceOutcome(False, 0, 0), SliceOutcome(True, 1_000, 150)
SLICES = submitted().slices


def test_a_refused_slice_is_done_and_the_list_finishes_with_it() -> None:
    twap = state(REFUSED)
    others = {twap.order_id(number): FILLED for number in range(1, SLICES + 1) if number != REFUSED.slice}
    view = twap_view(twap, others)
    assert (view.status, view.done, is_over(twap, others)) == ("finished", SLICES, True)
    [last] = list(others)[-1:]
    view = twap_view(twap, {**others, last: OPEN})
    assert (view.status, view.done, is_over(twap, {**others, last: OPEN})) == ("active", SLICES - 1, False)


def test_a_refused_slice_that_the_chain_had_executed_counts_once() -> None:
    """The log had lost its execution, and took the refusal before it was read from the chain."""
    twap = state(REFUSED)
    found = dict.fromkeys(twap.order_ids, FILLED)
    view = twap_view(twap, found)
    assert (view.status, view.done, is_over(twap, found)) == ("finished", SLICES, True)
    assert [one.slice for one in view.refused] == [REFUSED.slice] and len(view.order_ids) == SLICES
    # All but one are done, and that one is to come.
    early = dict.fromkeys(twap.order_ids[:-1], FILLED)
    view = twap_view(twap, early)
    assert (view.status, view.done, is_over(twap, early)) == ("active", SLICES - 1, False)


def test_one_that_was_cancelled_in_vain_has_finished_with_it() -> None:
    twap = state(REFUSED, CANCELLED)
    found = dict.fromkeys(twap.order_ids, FILLED)
    assert twap_view(twap, found).status == "finished"
