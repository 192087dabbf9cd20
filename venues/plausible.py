"""Whether a remote venue's quote can be true: one far above all others is a mistake or a lie, and would cost the order.

A market order's least amount out, or its most in, counts from the first quote that it takes. If that can't be had,
nothing else meets it, either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from domain.codes import Code
from domain.numbers import BPS
from domain.quotes import Quote, Refusal
from domain.routing import MOST_ABOVE_BPS
from venues.protocol import VenueGroup, VenueQuote


def services_of(groups: Iterable[VenueGroup]) -> dict[str, str]:
    """Whose word a remote venue's quote is, by the venue's name: one service may quote under several."""
    return {venue: group.service_name or venue for group in groups if group.is_remote for venue in group.venues}


def plausible(answers: Sequence[VenueQuote | Refusal], services: Mapping[str, str]) -> list[VenueQuote | Refusal]:
    """``answers``, where remote quotes that are too good beside all others are refusals; ``services`` is whose each is.

    The best is held against the best of anybody else, and where it goes, the one after it likewise. What nobody else
    can be held against stays, as the order's own limits do.
    """
    ranked = sorted((one.quote for one in answers if isinstance(one, VenueQuote)), key=_rate, reverse=True)
    refused: dict[int, Refusal] = {}
    for at, best in enumerate(ranked):
        service = services.get(best.venue)
        other = next((one for one in ranked[at + 1 :] if services.get(one.venue) != service), None)
        if service is None or other is None or _rate(best) * BPS <= _rate(other) * (BPS + MOST_ABOVE_BPS):
            break
        detail = f"it offers {_terms(best)}, the best of all others {_terms(other)}"
        refused[id(best)] = Refusal(venue=best.venue, code=Code.VENUE_ANSWER_INVALID, detail=detail)
    return [refused.get(id(one.quote), one) if isinstance(one, VenueQuote) else one for one in answers]


def _rate(quote: Quote) -> Fraction:
    """What a base unit in gets: the amount in is one for all quotes of an order, or the amount out is."""
    return Fraction(quote.amount_out, quote.amount_in)


def _terms(quote: Quote) -> str:
    return f"{quote.amount_out} for {quote.amount_in}"
