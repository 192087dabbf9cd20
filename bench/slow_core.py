"""The engine's core at a slow venue: the product's own composition, in which the quotes of one pair take their time.

`python -m bench.slow_core SECONDS`, with the settings of `surefill run core`. The wait stands for somebody else's
server, which is the edge of the engine's world; the quote itself is the pools', made after the wait. Other pairs are
quoted at once. `/metrics` shows how many quotes waited at once at most.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from prometheus_client import Gauge

from bench.product import (
    SHARED,
    SOL_USDC,
    Fits,
    Market,
    Proposal,
    QuoteRequest,
    Refusal,
    Settings,
    Store,
    VenueGroup,
    VenueQuote,
    main,
    open_market,
)  # fmt: skip

MOST_WAITING = "bench_quotes_waiting_most"


class SlowVenues(VenueGroup):
    """``venues``, of which SOL/USDC is quoted ``seconds`` late. Remote, as a venue of seconds can only be: its route is
    recorded before its transaction is built, which is simulated first.
    """

    is_remote = True

    def __init__(self, venues: VenueGroup, seconds: float) -> None:
        self._venues = venues
        self._seconds = seconds
        self._waiting = self._most = 0
        self._shown = Gauge(MOST_WAITING, "Quotes of the slow pair that waited at once, at most.")

    @property
    def venues(self) -> Mapping[str, frozenset[frozenset[str]]]:
        return self._venues.venues

    async def quote_all(self, requests: Sequence[QuoteRequest]) -> list[list[VenueQuote | Refusal]]:
        if any({request.token_in, request.token_out} == SOL_USDC for request in requests):
            self._waiting += 1
            self._most = max(self._most, self._waiting)
            self._shown.set(self._most)
            try:
                await asyncio.sleep(self._seconds)
            finally:
                self._waiting -= 1
        return await self._venues.quote_all(requests)

    async def swap(self, quote: VenueQuote, *, owner: str, minimum_out: int, fits: Fits) -> Proposal:
        return await self._venues.swap(quote, owner=owner, minimum_out=minimum_out, fits=fits)


def _run(seconds: float) -> None:
    @asynccontextmanager
    async def slow_market(settings: Settings, store: Store) -> AsyncIterator[Market]:
        async with open_market(settings, store) as market:
            yield replace(market, venues=[SlowVenues(group, seconds) for group in market.venues])

    main(*SHARED, market_opener=slow_market)


if __name__ == "__main__":
    _run(float(sys.argv[1]))
