"""What venues answer that swap an exact amount in alone, where an order names the amount out."""

from __future__ import annotations

from domain.codes import Code
from domain.quotes import Refusal
from venues.protocol import QuoteRequest, VenueGroup


def exact_out_refusals(group: VenueGroup, request: QuoteRequest) -> list[Refusal]:
    """A refusal of each venue of ``group``, where it can't be asked what ``request`` asks; else none."""
    if request.amount_out is None or group.quotes_exact_out:
        return []
    pair = frozenset((request.token_in, request.token_out))
    return [_refusal(venue, trades_it=pair in pairs) for venue, pairs in group.venues.items()]


def _refusal(venue: str, *, trades_it: bool) -> Refusal:
    if not trades_it:
        return Refusal(venue=venue, code=Code.NO_VENUE, detail=f"{venue} does not trade this pair")
    return Refusal(venue=venue, code=Code.EXACT_OUT_UNSUPPORTED, detail=f"{venue} swaps an exact amount in alone")
