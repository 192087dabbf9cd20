"""Prices of pairs, made of what a feed says of each token."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from time import time
from typing import Protocol

from domain.numbers import PRICE_DIGITS
from domain.tokens import Pair
from venues.prices import PairPrice, Prices
from venues.tick import Tick

_DOWN = Context(prec=PRICE_DIGITS, rounding=ROUND_FLOOR)
_UP = Context(prec=PRICE_DIGITS, rounding=ROUND_CEILING)
_MILLI = 1_000


class Feed(Protocol):
    """A feed by its ``name``."""

    @property
    def name(self) -> str: ...

    async def ticks(self) -> Mapping[str, Tick]:
        """The last of each token, by mint; what is old is told by its time. Never raises for what a feed does."""


class FeedPrices:
    """The pairs of a feed's tokens as a price source: ticks older than ``max_age`` seconds make no price, nor do
    those that are from later than now.

    The ``slot`` of its prices is the newest tick's time in unix milliseconds: it is no chain's, and says that the feed
    lives. How new a pair's own price is, its ``ticks`` say.
    """

    def __init__(self, feed: Feed, *, max_age: float, clock: Callable[[], float] = time) -> None:
        self.name = feed.name
        self._feed = feed
        self._max_age = max_age
        self._clock = clock

    async def observe(self, pairs: Sequence[Pair]) -> Prices:
        now = self._clock()
        ticks = {mint: tick for mint, tick in (await self._feed.ticks()).items() if tick.is_sound}
        fresh = {
            mint: tick for mint, tick in ticks.items() if now - tick.at <= self._max_age and not tick.is_from_later(now)
        }
        priced = {}
        for pair in pairs:
            base, quote = fresh.get(pair.base.mint), fresh.get(pair.quote.mint)
            if base and quote:
                sell, buy = _DOWN.divide(base.bid, quote.ask), _UP.divide(base.ask, quote.bid)
                priced[pair.symbol] = PairPrice(pair, sell, buy, (), (base, quote))
        # Ahead of our clock by a little it is as of now: else the slot would stand until the clock has come to it.
        newest = min(now, max((tick.at for tick in fresh.values()), default=0.0))
        return Prices(self.name, int(newest * _MILLI), priced)

    async def age(self, slot: int) -> int:
        """Seconds since the time that ``slot`` stands for."""
        return max(0, int(self._clock() - slot / _MILLI))
