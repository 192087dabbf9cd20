"""Which lander took what landed, and how soon it had.

The same bytes go to all of them, so nobody can say which one landed a transaction: only who had taken it. One that
never answers has taken nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from prometheus_client import Counter, Histogram

OUTCOMES = Counter(
    "surefill_lander_outcomes_total",
    "Transactions that a lander was handed: landed, landed_without (it had not taken it), or expired.",
    ["lander", "outcome"],
)
LANDED_SECONDS = Histogram(
    "surefill_lander_landed_seconds",
    "From a transaction's first hand-over to the record that it landed, of those that the lander had taken.",
    ["lander"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 40, 80),
)

# A blockhash serves for a minute or two; what isn't decided by then is another process's to hear of.
_KEPT_S = 300.0
_MOST_KEPT = 20_000


@dataclass(slots=True)
class _HandedOver:
    at: float
    landers: set[str] = field(default_factory=set)
    taken_by: set[str] = field(default_factory=set)


class LandedShares:
    """Transactions by their signature, from the first hand-over to the record of their end, in this process."""

    def __init__(self) -> None:
        self._open: dict[str, _HandedOver] = {}

    def handed_over(self, signature: str, lander: str) -> None:
        self._forget_old()
        self._open.setdefault(signature, _HandedOver(monotonic())).landers.add(lander)

    def taken(self, signature: str, lander: str) -> None:
        """The lander answered that it will try to land it."""
        if handed := self._open.get(signature):
            handed.taken_by.add(lander)

    def ended(self, signature: str, *, landed: bool) -> None:
        """It is recorded that it is on the chain, as a success or a failure, or never will be."""
        handed = self._open.pop(signature, None)
        if handed is None:
            return
        for lander in handed.landers:
            taken = lander in handed.taken_by
            OUTCOMES.labels(lander, "expired" if not landed else "landed" if taken else "landed_without").inc()
            if landed and taken:
                LANDED_SECONDS.labels(lander).observe(monotonic() - handed.at)

    def _forget_old(self) -> None:
        oldest = next(iter(self._open.items()), None)
        if oldest and (len(self._open) >= _MOST_KEPT or monotonic() - oldest[1].at > _KEPT_S):
            del self._open[oldest[0]]
