"""What a feed says of one token, and of what size such a price may be."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

# Dollars a token. A pair's price is one divided by another, to 18 digits: within these it has at most 40 decimals,
# which is what the log reads.
LEAST, MOST = Decimal("1e-10"), Decimal("1e10")
# How far another's clock may be ahead of ours. What is from later is from no clock: it would be the newest for ever.
MOST_AHEAD_S = 5.0


@dataclass(frozen=True, slots=True)
class Tick:
    """Dollars a token: what buyers offer and what sellers ask, as of ``at``, unix time."""

    bid: Decimal
    ask: Decimal
    at: float

    @property
    def is_sound(self) -> bool:
        return self.bid.is_finite() and self.ask.is_finite() and LEAST < self.bid <= self.ask < MOST

    def is_from_later(self, now: float) -> bool:
        return self.at > now + MOST_AHEAD_S
