"""How high the chain was: what an endpoint has said, until it takes that back."""

from __future__ import annotations

from chains.wallet_history import Tip
from workers.history.heights import TIMES, Heights


def after(*heights: int) -> int:
    """What counts of an endpoint that has shown these, one after the other."""
    found = Heights()
    for height in heights:
        found.take({"one.example": Tip(height, height)})
    return found.highest[0]


def test_the_first_counts_and_growth_changes_nothing() -> None:
    assert after(1_000, 1_001, 1_200) == 1_000


def test_a_node_that_lags_its_neighbours_takes_nothing_back() -> None:
    assert after(1_000, *[850] * 10) == 1_000
    assert after(1_000, 600, 1_003) == 1_000
    assert after(1_000, *[600, 600, 1_003] * 10) == 1_000


def test_what_is_overstated_is_taken_back_by_several_lower_ones_in_a_row() -> None:
    assert after(1_001_000, *[1_002] * (TIMES - 1)) == 1_001_000
    assert after(1_001_000, *range(1_002, 1_002 + TIMES)) == 1_001 + TIMES


def test_the_highest_is_named_with_who_said_it() -> None:
    found = Heights()
    found.take({"one.example": Tip(7, 70), "two.example": Tip(7, 80)})
    assert found.highest == (80, "two.example")
    assert found.is_past("one.example", Tip(8, 78), 8) and not found.is_past("two.example", Tip(8, 87), 8)
