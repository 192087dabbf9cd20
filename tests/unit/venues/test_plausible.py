"""A remote quote far above all others isn't taken; one that nothing can be held against is."""

from __future__ import annotations

import pytest

from domain.quotes import Quote, Refusal
from domain.tokens import SOL, USDC
from venues.plausible import plausible
from venues.protocol import VenueQuote

SERVICES = {"far": "one", "other": "two", "its other name": "one"}


def offer(venue: str, amount_out: int, amount_in: int = 10**9) -> VenueQuote:
    return VenueQuote(
        Quote(
            venue=venue,
            pool="pool",
            token_in=SOL.mint,
            token_out=USDC.mint,
            amount_in=amount_in,
            amount_out=amount_out,
            fee_token=SOL.mint,
            fee_amount=0,
            fee_bps=0,
            reserve_in=0,
            reserve_out=0,
            slot=0,
        )
    )


@pytest.mark.parametrize(
    ("offers", "taken"),
    [
        ({"far": 105_000_000, "near": 100_000_000}, {"far", "near"}),
        ({"far": 105_000_001, "near": 100_000_000}, {"near"}),
        ({"far": 150_000_000}, {"far"}),
        ({"far": 150_000_000, "other": 149_000_000, "near": 100_000_000}, {"far", "other", "near"}),
        ({"far": 300_000_000, "other": 149_000_000, "near": 100_000_000}, {"near"}),
        ({"far": 90_000_000, "near": 200_000_000}, {"far", "near"}),
        # One service bears no witness for itself.
        ({"far": 300_000_000, "its other name": 299_000_000, "near": 100_000_000}, {"near"}),
        ({"far": 300_000_000, "its other name": 101_000_000, "near": 100_000_000}, {"its other name", "near"}),
        ({"far": 300_000_000, "its other name": 299_000_000}, {"far", "its other name"}),
    ],
)
def test_a_remote_quote_is_held_against_the_best_of_all_others(offers: dict[str, int], taken: set[str]) -> None:
    refused = Refusal(venue="gone", code="venue_unavailable", detail="")
    answers = [offer(venue, out) for venue, out in offers.items()]
    judged = plausible([*answers, refused], SERVICES)
    assert len(judged) == len(answers) + 1
    assert judged[-1] == refused
    kept = {one.quote.venue for one in judged if isinstance(one, VenueQuote)}
    assert kept == taken
    assert {one.venue for one in judged if isinstance(one, Refusal)} == {*offers.keys() - taken, "gone"}


@pytest.mark.parametrize(
    ("paid", "taken"),
    [
        ({"far": 100_000_000, "near": 105_000_000}, {"far", "near"}),
        ({"far": 99_999_999, "near": 105_000_000}, {"near"}),
        ({"far": 1, "other": 2, "near": 100_000_000}, {"near"}),
        ({"far": 120_000_000, "near": 100_000_000}, {"far", "near"}),
    ],
)
def test_one_that_takes_far_less_for_the_same_amount_out_is_as_implausible(
    paid: dict[str, int], taken: set[str]
) -> None:
    """A false one would keep the order from every other venue: what it pays at most counts from its first quote."""
    judged = plausible([offer(venue, 10**9, amount_in) for venue, amount_in in paid.items()], SERVICES)
    assert {one.quote.venue for one in judged if isinstance(one, VenueQuote)} == taken
