"""The engine's core with a remote venue for one pair and the local pools for all others.

`python -m bench.remote_core`, with the settings of `surefill run core` and `VENUES=pools,raydium`: the product's own
composition, clients and checks. An order of SOL/USDC is the remote venue's alone, one of another pair the pools', so
that the orders beside show whether anybody waits for a neighbour.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

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


class OneSideAlone(VenueGroup):
    """``group``, asked for SOL/USDC where it is remote and for everything else where it isn't."""

    def __init__(self, group: VenueGroup) -> None:
        self._group = group

    @property
    def is_remote(self) -> bool:
        return self._group.is_remote

    @property
    def service_name(self) -> str | None:
        return self._group.service_name

    @property
    def venues(self) -> Mapping[str, frozenset[frozenset[str]]]:
        return self._group.venues

    async def quote_all(self, requests: Sequence[QuoteRequest]) -> list[list[VenueQuote | Refusal]]:
        asked = [one for one in requests if self._answers(one)]
        found = iter(await self._group.quote_all(asked) if asked else [])
        return [next(found) if self._answers(one) else [] for one in requests]

    async def swap(self, quote: VenueQuote, *, owner: str, minimum_out: int, fits: Fits) -> Proposal:
        return await self._group.swap(quote, owner=owner, minimum_out=minimum_out, fits=fits)

    def distrust(self, venue: str, reason: str) -> None:
        self._group.distrust(venue, reason)

    def _answers(self, request: QuoteRequest) -> bool:
        return ({request.token_in, request.token_out} == SOL_USDC) == self.is_remote


@asynccontextmanager
async def divided_market(settings: Settings, store: Store) -> AsyncIterator[Market]:
    async with open_market(settings, store) as market:
        yield replace(market, venues=[OneSideAlone(group) for group in market.venues])


if __name__ == "__main__":
    main(*SHARED, market_opener=divided_market)
