"""Which offers count for an order: not those of a venue that is halted, or that its account doesn't use."""

from __future__ import annotations

from domain.codes import Code
from domain.limits import Limits
from domain.quotes import Refusal
from venues.protocol import VenueQuote

HALTED_VENUE = "halted by an operator"
NOT_ALLOWED = "not among the account's venues"


def permitted(answer: VenueQuote | Refusal, halted: frozenset[str], limits: Limits) -> VenueQuote | Refusal:
    """``answer``, or the refusal that stands in its place; venues are ``halted`` by their names in lower case."""
    if isinstance(answer, Refusal):
        return answer
    venue = answer.quote.venue
    name = venue.casefold()
    if name in halted:
        return Refusal(venue=venue, code=Code.VENUE_UNAVAILABLE, detail=HALTED_VENUE)
    if limits.refused_venues(frozenset((name,))):
        return Refusal(venue=venue, code=Code.VENUE_UNAVAILABLE, detail=NOT_ALLOWED)
    return answer
