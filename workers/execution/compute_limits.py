"""How many compute units a swap takes, as simulation has shown: a transaction asks for its limit before it runs."""

from __future__ import annotations

from domain.order import Order
from domain.quotes import Quote

# Ways to swap, not orders: a pool and a direction each.
MOST_KNOWN = 10_000

_Way = tuple[str, str, str, bool]


class ComputeLimits:
    """Learned for each pool and direction, exact amounts out apart, for the life of the process."""

    def __init__(self, *, always_simulate: bool = False) -> None:
        self._always = always_simulate
        self._units: dict[_Way, int] = {}

    def known(self, order: Order, quote: Quote) -> int | None:
        """The units that taking ``quote`` takes, or None where it has to be simulated first.

        After an attempt of the order was rejected on chain the next one is simulated: what is known was wrong for it.
        """
        if self._always or any(attempt.end == "rejected" for attempt in order.attempts):
            return None
        return self._units.get(_way(order, quote))

    def learn(self, order: Order, quote: Quote, units: int) -> int:
        """Note what simulation took: the most that any did, since what a swap takes moves a little with its amounts."""
        if len(self._units) >= MOST_KNOWN:
            self._units.clear()
        way = _way(order, quote)
        most = max(units, self._units.get(way, 0))
        self._units[way] = most
        return most

    def forget(self, order: Order, quote: Quote) -> None:
        self._units.pop(_way(order, quote), None)


def _way(order: Order, quote: Quote) -> _Way:
    return quote.venue, quote.pool, quote.token_in, order.amount_out is not None
