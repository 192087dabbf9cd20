"""A source's prices while they are recent: one that stands still, or asks a node far behind, bears nothing out."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Sequence

from domain.tokens import Pair
from venues.prices import Prices, PriceSource

# The chain's clock counts whole seconds: an age may be this much too high.
ROUNDING_S = 1


class RecentPrices:
    """The prices of ``source`` that are at most ``max_age`` seconds old; ``slot_age`` says how many seconds ago a slot
    was. What either raises passes through.
    """

    def __init__(
        self,
        source: PriceSource,
        slot_age: Callable[[int], Awaitable[int]],
        *,
        max_age: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = source.name
        self._source = source
        self._slot_age = slot_age
        self._most = max_age + ROUNDING_S
        self._clock = clock
        self._slot, self._age, self._aged_at = -1, math.inf, clock()

    async def observe(self, pairs: Sequence[Pair]) -> Prices:
        prices = await self._source.observe(pairs)
        if prices.pairs and not await self._is_recent(prices.slot):
            return Prices(prices.source, prices.slot, {})
        return prices

    async def _is_recent(self, slot: int) -> bool:
        now = self._clock()
        # No slot is older than one before it: the chain isn't asked again until that says nothing any more.
        age = self._age + now - self._aged_at
        if slot < self._slot or age > self._most:
            told = await self._slot_age(slot)
            # One that stands still grows old, though the clock that it is told by was set back.
            age = max(told, age) if slot == self._slot else told
            self._slot, self._age, self._aged_at = slot, age, now
        return age <= self._most
