"""How many compute units a swap takes, as simulation has shown: a transaction asks for its limit before it runs."""

from __future__ import annotations

from domain.order import Order
from domain.quotes import Quote

# Ways to swap, not orders: a pool and a direction each.
MOST_KNOWN = 10_000


class ComputeLimits:
    """Learned for each pool and direction, for the life of the process."""

    def __init__(self, *, always_simulate: bool = False) -> None:
        self._always = always_simulate
        self._units: dict[tuple[str, str, str], int] = {}

    def known(self, order: Order, quote: Quote) -> int | None:
        """The units that taking ``quote`` takes, or None where it has to be simulated first.

        After an attempt of the order was rejected on chain the next one is simulated: what is known was wrong for it.
        """
        if self._always or any(attempt.end == "rejected" for attempt in order.attempts):
            return None
        return self._units.get(_way(quote))

    def learn(self, quote: Quote, units: int) -> int:
        """Note what simulation took: the most that any did, since what a swap takes moves a little with its amounts."""
        if len(self._units) >= MOST_KNOWN:
            self._units.clear()
        most = max(units, self._units.get(_way(quote), 0))
        self._units[_way(quote)] = most
        return most

    def forget(self, quote: Quote) -> None:
        self._units.pop(_way(quote), None)


def _way(quote: Quote) -> tuple[str, str, str]:
    return quote.venue, quote.pool, quote.token_in
