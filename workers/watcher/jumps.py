"""A price that jumps for one tick fires nothing: a stop latches, and what it did can't be taken back."""

from __future__ import annotations

from decimal import Decimal

import structlog

from venues.prices import PairPrice

log = structlog.get_logger(__name__)

# More than this from one slot to the next is believed once a later slot agrees.
MOST = 2


class JumpGuard:
    """Remembers each pair's last believed and last doubted price.

    A pair's first price is doubted too: after a restart there is nothing else to hold a wild one against.
    """

    def __init__(self) -> None:
        self._believed: dict[str, PairPrice] = {}
        self._doubted: dict[str, tuple[int, PairPrice]] = {}

    def believes(self, price: PairPrice, slot: int) -> bool:
        """Whether ``price``, seen at ``slot``, may fire: it is near the last believed one, or one doubted earlier."""
        symbol = price.pair.symbol
        known = self._believed.get(symbol)
        since, doubted = self._doubted.get(symbol, (slot, None))
        if (known and _near(price, known)) or (doubted and since < slot and _near(price, doubted)):
            self._believed[symbol] = price
            self._doubted.pop(symbol, None)
            return True
        if doubted is None or not _near(price, doubted):
            self._doubted[symbol] = (slot, price)
            if known:
                log.warning("a price jumped; believed once it stays", pair=symbol, sell=str(price.sell), slot=slot)
        return False


def _near(one: PairPrice, other: PairPrice) -> bool:
    return _within(one.sell, other.sell) and _within(one.buy, other.buy)


def _within(one: Decimal, other: Decimal) -> bool:
    return one <= other * MOST and other <= one * MOST
