"""Prices as the API shows them: with their age, and within a time a client will wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from api.errors import RETRY_AFTER, ProblemError
from chains.errors import ChainUnavailableError
from chains.single_flight import SingleFlight
from domain.tokens import Pair
from venues.prices import PairPrice, Prices, PriceSource

PATIENCE = 3.0
RECENT_S = 0.4
Aged = tuple[Prices, int]


class Ticker:
    """Observes ``source`` for whoever asks; ``slot_age`` says how many seconds ago a slot was."""

    def __init__(self, source: PriceSource, slot_age: Callable[[int], Awaitable[int]]) -> None:
        self._source = source
        self._slot_age = slot_age
        self._last: dict[Pair, tuple[float, PairPrice | None]] = {}
        self._flight: SingleFlight[tuple[str, ...], Aged] = SingleFlight()

    async def observe(self, pairs: Sequence[Pair]) -> Aged:
        """The prices and their age in seconds, 0 where there are none; raises ``ProblemError`` in an outage."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._flight.run(tuple(pair.symbol for pair in pairs), lambda: self._observe(pairs))
        except (ChainUnavailableError, TimeoutError):
            raise self.unavailable() from None

    async def recent(self, pair: Pair) -> PairPrice | None:
        """The pair's price as of less than a slot or so ago, None where it has none: what is measured by it bears that.

        Raises as ``observe`` does.
        """
        observed_at, price = self._last.get(pair, (-RECENT_S, None))
        if time.monotonic() - observed_at > RECENT_S:
            asked_at = time.monotonic()
            prices, _ = await self.observe([pair])
            price = prices.pairs.get(pair.symbol)
            self._last[pair] = (asked_at, price)
        return price

    async def age(self, prices: Prices, price: PairPrice, age: int) -> int:
        """The age in seconds of one of ``prices``, which are ``age`` seconds old: a feed's tokens each have theirs."""
        slot = prices.slot_of(price)
        return age if slot == prices.slot else await self._slot_age(slot)

    @staticmethod
    def unavailable() -> ProblemError:
        return ProblemError(
            503,
            "price_unavailable",
            "The source of prices can't be read now. Try again shortly.",
            headers={"Retry-After": RETRY_AFTER},
        )

    async def _observe(self, pairs: Sequence[Pair]) -> Aged:
        prices = await self._source.observe(pairs)
        return prices, await self._slot_age(prices.slot) if prices.pairs else 0
