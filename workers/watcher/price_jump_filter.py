"""A price that jumps for one observation triggers nothing: a stop latches, and that can't be taken back."""

from __future__ import annotations

from decimal import Decimal

import structlog

from venues.prices import PairPrice

log = structlog.get_logger(__name__)

# A price that is more than this many times higher or lower than the last one is accepted once a later slot agrees.
MOST_FACTOR = 2


class PriceJumpFilter:
    """Remembers each pair's last accepted price and the one that is held back.

    A pair's first price is held back too: after a restart there is nothing else to hold a wild one against.
    """

    def __init__(self) -> None:
        self._accepted: dict[str, PairPrice] = {}
        self._held_back: dict[str, tuple[int, PairPrice]] = {}

    def accepts(self, price: PairPrice, slot: int) -> bool:
        """Whether ``price``, seen at ``slot``, may trigger: it is near the last accepted one, or near one held back."""
        symbol = price.pair.symbol
        known = self._accepted.get(symbol)
        since, held_back = self._held_back.get(symbol, (slot, None))
        if (known and _near(price, known)) or (held_back and since < slot and _near(price, held_back)):
            self._accepted[symbol] = price
            self._held_back.pop(symbol, None)
            return True
        if held_back is None or not _near(price, held_back):
            self._held_back[symbol] = (slot, price)
            if known:
                log.warning("a price jumped; accepted once it stays", pair=symbol, sell=str(price.sell), slot=slot)
        return False


def _near(price: PairPrice, other: PairPrice) -> bool:
    return _within(price.sell, other.sell) and _within(price.buy, other.buy)


def _within(price: Decimal, other: Decimal) -> bool:
    return price <= other * MOST_FACTOR and other <= price * MOST_FACTOR
