"""A price that jumps for one tick fires nothing: a stop latches, and what it did can't be taken back."""

from __future__ import annotations

from decimal import Decimal

import structlog

from venues.prices import PairPrice

log = structlog.get_logger(__name__)

# More than this from one slot to the next is accepted once a later slot agrees.
MOST = 2


class PriceJumpFilter:
    """Remembers each pair's last accepted price and the one held back price.

    A pair's first price is held back too: after a restart there is nothing else to hold a wild one against.
    """

    def __init__(self) -> None:
        self._accepted: dict[str, PairPrice] = {}
        self._held_back: dict[str, tuple[int, PairPrice]] = {}

    def accepts(self, price: PairPrice, slot: int) -> bool:
        """Whether ``price``, seen at ``slot``, may fire: it is near the last accepted one, or one held back earlier."""
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


def _near(one: PairPrice, other: PairPrice) -> bool:
    return _within(one.sell, other.sell) and _within(one.buy, other.buy)


def _within(one: Decimal, other: Decimal) -> bool:
    return one <= other * MOST and other <= one * MOST
