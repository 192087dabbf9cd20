"""Whether a remote venue's quote can be true: one far above all others is a mistake or a lie, and would cost the order.

A market order's least amount out, or its most in, counts from the first quote that it takes. If that can't be had,
nothing else meets it, either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

from domain.codes import Code
from domain.numbers import BPS
from domain.quotes import Quote, Refusal
from venues.protocol import VenueGroup, VenueQuote

MOST_ABOVE_BPS = 500
"""How far above the best of all others a remote quote may be."""


def remote_venues(groups: Iterable[VenueGroup]) -> frozenset[str]:
    """The names of those whose quotes are somebody else's word."""
    return frozenset(venue for group in groups if group.is_remote for venue in group.venues)


def plausible(answers: Sequence[VenueQuote | Refusal], remote: Collection[str]) -> list[VenueQuote | Refusal]:
    """``answers``, where quotes of the venues ``remote`` that are too good beside all others are refusals.

    The best is held against the next, and where it goes, that one against the one after it. What nobody else can be
    held against stays, as the order's own limits do.
    """
    ranked = sorted((one.quote for one in answers if isinstance(one, VenueQuote)), key=_rate, reverse=True)
    refused: dict[int, Refusal] = {}
    for best, following in pairwise(ranked):
        if best.venue not in remote or _rate(best) * BPS <= _rate(following) * (BPS + MOST_ABOVE_BPS):
            break
        detail = f"it offers {_terms(best)}, the best of all others {_terms(following)}"
        refused[id(best)] = Refusal(venue=best.venue, code=Code.VENUE_ANSWER_INVALID, detail=detail)
    return [refused.get(id(one.quote), one) if isinstance(one, VenueQuote) else one for one in answers]


def _rate(quote: Quote) -> Fraction:
    """What a base unit in gets: the amount in is one for all quotes of an order, or the amount out is."""
    return Fraction(quote.amount_out, quote.amount_in)


def _terms(quote: Quote) -> str:
    return f"{quote.amount_out} for {quote.amount_in}"
