"""One source's prices, used only where another source says about the same: a wild one triggers nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from domain.numbers import BPS
from domain.tokens import Pair
from venues.metrics import PRICE_DISAGREEMENTS
from venues.prices import PairPrice, Prices, PriceSource

log = structlog.get_logger(__name__)


class AgreedPrices:
    """The prices of ``first``; a pair is left out where any of ``others`` is more than ``most_bps`` from it, or none of
    them has a price of it. What ``first`` raises passes through; another that fails has no price.
    """

    def __init__(self, first: PriceSource, others: Sequence[PriceSource], *, most_bps: int) -> None:
        self.name = "+".join([first.name, *(other.name for other in others)])
        self._first = first
        self._others = others
        self._most_bps = most_bps
        self.disagreeing: frozenset[str] = frozenset()
        """The pairs on which the sources were too far apart when they were last asked."""

    async def observe(self, pairs: Sequence[Pair]) -> Prices:
        first, *others = await asyncio.gather(
            self._first.observe(pairs), *(self._or_nothing(other, pairs) for other in self._others)
        )
        agreed: dict[str, PairPrice] = {}
        apart: set[str] = set()
        for symbol, price in first.pairs.items():
            beside = [other.pairs[symbol] for other in others if symbol in other.pairs]
            if beside and all(self._agree(price, other) for other in beside):
                agreed[symbol] = price
            elif beside:
                apart.add(symbol)
                self._tell(symbol, price, beside)
        self.disagreeing = frozenset(apart)
        return Prices(self.name, first.slot, agreed)

    def _agree(self, one: PairPrice, other: PairPrice) -> bool:
        """By the middle of what sellers get and buyers pay: each source has its own spread."""
        middle, another = one.sell + one.buy, other.sell + other.buy
        return abs(middle - another) * BPS <= min(middle, another) * self._most_bps

    async def _or_nothing(self, source: PriceSource, pairs: Sequence[Pair]) -> Prices:
        try:
            return await source.observe(pairs)
        except Exception as error:  # noqa: BLE001 - whatever another source does, it only can't agree
            log.debug("a price source has no prices", source=source.name, error=type(error).__name__)
            return Prices(source.name, 0, {})

    def _tell(self, symbol: str, price: PairPrice, beside: Sequence[PairPrice]) -> None:
        PRICE_DISAGREEMENTS.labels(symbol).inc()
        if symbol not in self.disagreeing:
            others = [str(other.sell) for other in beside]
            log.warning("price sources disagree; nothing fires", pair=symbol, sell=str(price.sell), others=others)
