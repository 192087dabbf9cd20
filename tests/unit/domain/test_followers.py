"""What follows an order in its list begins once enough endpoints show that one's swap."""

from __future__ import annotations

from dataclasses import replace

from domain import commands as c
from domain import events as e
from domain.consequences import concerns_others
from domain.decide import decide
from domain.evolve import fold
from tests.unit.domain.scenario import landing
from tests.unit.domain.test_lists import FLYING, follows, kinds, recorded


def test_what_follows_begins_with_the_restated_fill_where_one_endpoint_alone_had_shown_the_first() -> None:
    first, held = (*recorded("oto", 1), *FLYING), recorded("oto", 2)
    shown = landing()
    alone = replace(shown, landing=shown.landing.model_copy(update={"shown_by": ("a",), "configured": 2}))
    (false,) = decide(fold(first), alone)
    assert isinstance(false, e.OrderConfirmed) and false.shown_alone
    assert follows("oto", (*first, false), held)[1] == []
    both = {"shown_by": ("a", "b"), "configured": 2, "commitment": "finalized", "slot": 99}
    before = fold((*first, false))
    (restated,) = decide(before, c.RestateOutcome(1, shown.landing.model_copy(update=both)))
    assert concerns_others(before, fold([restated], before))
    assert kinds(follows("oto", (*first, false, restated), held)[1]) == [e.OrderReleased, e.OrderTriggered]
