"""Whether prices are new enough to fire: a source may stand still, fall behind, or answer from a node that lags."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Literal

import structlog

from venues.prices import Prices
from workers.metrics import PRICE_STALE

log = structlog.get_logger(__name__)

Verdict = Literal["used", "late", "stale"]

# The chain's clock is asked this often: a node far behind moves on as fast as one that isn't.
ASK_EVERY_S = 1.0
# The chain counts whole seconds, and so do we.
ROUNDING_S = 1


class Freshness:
    """``slot_age`` tells how many seconds ago a slot was; ``most`` is how old, in seconds, a price may be."""

    def __init__(self, slot_age: Callable[[int], Awaitable[int]], most: float) -> None:
        self._slot_age = slot_age
        self._most = most
        self._newest, self._since = -1, time.monotonic()
        self._age, self._ask_at = 0, 0.0
        self._stale = False

    async def of(self, prices: Prices) -> Verdict:
        """``late``: older than what was seen already. What asking the chain raises passes through."""
        now = time.monotonic()
        if prices.slot > self._newest:
            self._newest, self._since = prices.slot, now
        stands = now - self._since > self._most
        if not stands and prices.slot < self._newest:
            return "late"
        if not stands and now >= self._ask_at:
            self._age = await self._slot_age(prices.slot)
            self._ask_at = now + ASK_EVERY_S
        stale = stands or self._age > self._most + ROUNDING_S
        if stale != self._stale:
            say = log.warning if stale else log.info
            told = "the price source is stale; nothing fires" if stale else "the price source is fresh again"
            say(told, source=prices.source, slot=prices.slot, stands_still=stands, age_s=self._age)
        self._stale = stale
        PRICE_STALE.set(stale)
        return "stale" if stale else "used"
