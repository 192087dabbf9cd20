"""Whether prices are new enough to trigger orders: a source may stand still, fall behind, or ask a node that lags."""

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
# The chain's clock counts whole seconds: an age may be this much too high.
ROUNDING_S = 1


class Freshness:
    """``slot_age`` tells how many seconds ago a slot was; ``max_age`` is how old a price may be, in seconds.

    A slot that nothing has come up to for ``max_age`` was none: one answer that overstates it, or a fork that was
    dropped, stops the triggers for so long and not for good.
    """

    def __init__(
        self,
        slot_age: Callable[[int], Awaitable[int]],
        max_age: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slot_age = slot_age
        self._max_age = max_age
        self._clock = clock
        self._newest_slot, self._newest_since = -1, clock()
        self._age, self._ask_at = 0, 0.0
        self._stale = False

    async def judge(self, prices: Prices) -> Verdict:
        """``late``: older than prices seen before; ``stale``: too old. Raises what asking the chain raises."""
        now = self._clock()
        overtaken = now - self._newest_since > self._max_age and prices.slot < self._newest_slot
        if prices.slot > self._newest_slot or overtaken:
            self._newest_slot, self._newest_since = prices.slot, now
        if overtaken:
            # How old it is, only the chain's clock can say.
            self._ask_at = now
        stands_still = now - self._newest_since > self._max_age
        if not stands_still and prices.slot < self._newest_slot:
            return "late"
        if not stands_still and now >= self._ask_at:
            self._age = await self._slot_age(prices.slot)
            self._ask_at = now + ASK_EVERY_S
        stale = stands_still or self._age > self._max_age + ROUNDING_S
        if stale != self._stale:
            event = "the price source is stale; nothing fires" if stale else "the price source is fresh again"
            write = log.warning if stale else log.info
            write(event, source=prices.source, slot=prices.slot, stands_still=stands_still, age_s=self._age)
        self._stale = stale
        PRICE_STALE.set(stale)
        return "stale" if stale else "used"
