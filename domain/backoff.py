"""The one back-off of the engine: how long to wait before what failed is tried again.

It is for work that is rescheduled: an order's next step, a rest, a record of what the chain said. A single call that is
merely repeated at once, as against a node that limits its rate, is stamina's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

# Past it every wait is the longest anyway; without a bound the power would outgrow timedelta.
MOST_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from ``first`` up to ``longest``. Without jitter: the domain has no randomness."""

    first: timedelta
    longest: timedelta

    def after(self, failures: int) -> timedelta:
        """The wait after so many failures in a row, counted from 1."""
        doublings = min(failures - 1, MOST_DOUBLINGS)
        return min(self.longest, self.first * (1 << doublings))

    def waits(self) -> list[timedelta]:
        """Every wait in turn, the longest last: for SQL that keeps the count of failures itself."""
        waits = [self.after(1)]
        while waits[-1] < self.longest:
            waits.append(self.after(len(waits) + 1))
        return waits
