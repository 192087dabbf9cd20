"""A price that jumps for one tick fires nothing: a stop latches, and what it did can't be taken back."""

from __future__ import annotations

from decimal import Decimal

from venues.prices import PairPrice

# More than this from one observation to the next is believed once the next one agrees.
MOST = 2


class JumpGuard:
    """Remembers each pair's last believed and last doubted price."""

    def __init__(self) -> None:
        self._believed: dict[str, Decimal] = {}
        self._doubted: dict[str, Decimal] = {}

    def believes(self, price: PairPrice) -> bool:
        """Whether ``price`` may fire: it is near the last believed one, or near the one doubted just before."""
        symbol = price.pair.symbol
        known = self._believed.get(symbol)
        if known is None or _near(price.sell, known) or _near(price.sell, self._doubted.get(symbol, Decimal(0))):
            self._believed[symbol] = price.sell
            self._doubted.pop(symbol, None)
            return True
        self._doubted[symbol] = price.sell
        return False


def _near(one: Decimal, other: Decimal) -> bool:
    return one <= other * MOST and other <= one * MOST
