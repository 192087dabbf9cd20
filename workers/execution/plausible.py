"""Whether a remote venue's quote can be true: one far above all others is a mistake or a lie, and would cost the order.

A market order's least amount out counts from the first quote that it takes. If that can't be had, nothing else meets
it, either.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from domain.codes import Code
from domain.numbers import BPS
from domain.quotes import Refusal
from venues.protocol import VenueQuote

MOST_ABOVE_BPS = 500
"""How far above the best of all others a remote quote may be."""


def plausible(answers: Sequence[VenueQuote | Refusal], remote: Collection[str]) -> list[VenueQuote | Refusal]:
    """``answers``, where quotes of the venues ``remote`` that are too good beside all others are refusals.

    The best is held against the next, and where it goes, that one against the one after it. What nobody else can be
    held against stays, as the order's own limits do.
    """
    ranked = sorted((one.quote for one in answers if isinstance(one, VenueQuote)), key=lambda quote: -quote.amount_out)
    refused: dict[int, Refusal] = {}
    for best, following in pairwise(ranked):
        if best.venue not in remote or best.amount_out * BPS <= following.amount_out * (BPS + MOST_ABOVE_BPS):
            break
        detail = f"it offers {best.amount_out}, the best of all others {following.amount_out}"
        refused[id(best)] = Refusal(venue=best.venue, code=Code.VENUE_ANSWER_INVALID, detail=detail)
    return [refused.get(id(one.quote), one) if isinstance(one, VenueQuote) else one for one in answers]
