"""What a feed says of one token."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Tick:
    """Dollars a token: what buyers offer and what sellers ask, as of ``at``, unix time."""

    bid: Decimal
    ask: Decimal
    at: float

    @property
    def is_sound(self) -> bool:
        return self.bid.is_finite() and self.ask.is_finite() and 0 < self.bid <= self.ask
