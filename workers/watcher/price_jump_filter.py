"""A price that jumps for one observation triggers nothing: a stop latches, and that can't be taken back.

A second look at the same tick is no second opinion. Of pools every later slot is a new one. A feed says something new
of one token and repeats what it said of another: there the token that jumped must have been said anew.
"""

from __future__ import annotations

from decimal import Decimal

import structlog

from domain.tokens import USDC, USDT, Token
from venues.prices import PairPrice
from venues.tick import Tick

log = structlog.get_logger(__name__)

# A price that is more than this many times higher or lower than the last one is accepted once a later one agrees.
MOST_FACTOR = 2
# What these cost is known before anybody says it: the first price of a pair needn't wait until they are said again.
_DOLLARS = (USDC, USDT)
_DOLLAR = Tick(Decimal(1), Decimal(1), 0.0)


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
        if (known and _near(price, known)) or (
            held_back and _near(price, held_back) and _is_second_opinion(price, held_back, known, later=since < slot)
        ):
            self._accepted[symbol] = price
            self._held_back.pop(symbol, None)
            return True
        if held_back is None or not _near(price, held_back):
            self._held_back[symbol] = (slot, price)
            if known:
                log.warning("a price jumped; accepted once it stays", pair=symbol, sell=str(price.sell), slot=slot)
        return False


def _is_second_opinion(price: PairPrice, held_back: PairPrice, known: PairPrice | None, *, later: bool) -> bool:
    """Whether ``price`` rests on something newer than the one held back; ``later``: its slot is."""
    if not price.ticks or not held_back.ticks:
        return later
    last = (known and known.ticks) or (None, None)
    ticks = zip(price.ticks, held_back.ticks, strict=True)
    said_again = [now.at > before.at and _tick_near(now, before) for now, before in ticks]
    tokens = zip((price.pair.base, price.pair.quote), price.ticks, last, strict=True)
    jumped = [not _is_usual(*token) for token in tokens]
    if not any(jumped):
        # Neither token did by itself: the two together make the jump.
        jumped = [True, True]
    return all(again for again, needed in zip(said_again, jumped, strict=True) if needed)


def _is_usual(token: Token, now: Tick, was: Tick | None) -> bool:
    """Whether a token costs about what it did in the last accepted price."""
    if was is None:
        return token in _DOLLARS and _tick_near(now, _DOLLAR)
    return _tick_near(now, was)


def _near(price: PairPrice, other: PairPrice) -> bool:
    return _within(price.sell, other.sell) and _within(price.buy, other.buy)


def _tick_near(tick: Tick, other: Tick) -> bool:
    return _within(tick.bid, other.bid) and _within(tick.ask, other.ask)


def _within(price: Decimal, other: Decimal) -> bool:
    return price <= other * MOST_FACTOR and other <= price * MOST_FACTOR
