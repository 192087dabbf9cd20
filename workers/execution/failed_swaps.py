"""Whose swaps failed of an order: where others can fill it, it goes on with them.

A remote venue that quotes best and whose swap then fails would else be taken again until the order's deadline.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from uuid import UUID

from domain.codes import MISQUOTED, Code
from domain.quotes import Refusal
from workers.execution.quoting import Answers

MOST_ORDERS = 10_000
# An order may rest for days, and what failed once is no word about tomorrow.
KEPT_S = 60.0
_FAILED = MISQUOTED | {
    *(Code.PROGRAM_ERROR, Code.SLIPPAGE_EXCEEDED, Code.NO_LIQUIDITY, Code.AMOUNT_TOO_SMALL),
    *(Code.VENUE_UNAVAILABLE, Code.VENUE_UNAUTHORIZED),
}


class FailedSwaps:
    """Counts for a minute, and is forgotten once another swap fails after it: it is found out again."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        # When each venue's swap failed of an order; the order whose last one failed longest ago is the first.
        self._venues: OrderedDict[UUID, dict[str, float]] = OrderedDict()

    def __len__(self) -> int:
        """Of how many orders there is anything in memory."""
        return len(self._venues)

    def add(self, order_id: UUID, venue: str, code: str) -> None:
        """Hear that a swap of ``venue`` came to nothing; what wasn't the venue's fault isn't kept."""
        if code not in _FAILED:
            return
        now = self._clock()
        self._venues.setdefault(order_id, {})[venue] = now
        self._venues.move_to_end(order_id)
        while len(self._venues) > MOST_ORDERS or max(next(iter(self._venues.values())).values()) <= now - KEPT_S:
            self._venues.popitem(last=False)

    def without(self, order_id: UUID, answers: Answers) -> Answers | None:
        """``answers``, where what those offer is a refusal; None where none of them offers anything."""
        since = self._clock() - KEPT_S
        failed = {venue for venue, at in self._venues.get(order_id, {}).items() if at > since}
        offers = [one for one in answers.offers if one.quote.venue in failed]
        if not offers:
            return None
        detail = "its last swap of this order failed"
        refusals = [Refusal(venue=one.quote.venue, code=Code.VENUE_UNAVAILABLE, detail=detail) for one in offers]
        kept = tuple(one for one in answers.offers if one.quote.venue not in failed)
        return replace(answers, offers=kept, refusals=(*answers.refusals, *refusals))
