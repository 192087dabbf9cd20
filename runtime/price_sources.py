"""The prices that PRICE_SOURCE names: what triggers waiting orders, and how old it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from domain.codes import Code
from domain.tokens import KNOWN_TOKENS
from event_store.valkey import open_valkey
from runtime.recorded_prices import recorded_prices
from runtime.remote_venues import MINUTE, jupiter_budget, jupiter_headers, jupiter_most
from runtime.settings import Settings
from venues.errors import VenueError
from venues.feeds import pyth
from venues.feeds.agreement import AgreedPrices
from venues.feeds.binance import BinanceFeed
from venues.feeds.jupiter import JupiterFeed
from venues.feeds.ticks import Feed, FeedPrices
from venues.jupiter.client import refused
from venues.pools import PoolBook
from venues.prices import PoolPrices, PriceSource
from venues.recent_prices import RecentPrices
from venues.remote.budget import Budget, NoBudget
from venues.remote.service import Read, Service

# Its prices change once a second, and whoever asks more than three times as often is refused for a minute.
_PYTH_EVERY_S = 1.0

T = TypeVar("T")
SlotAge = Callable[[int], Awaitable[int]]


class PriceService(Service):
    """``failed`` is the code of its last failure, None once it has answered: feeds never raise, and tell why at debug
    alone. No more than the code is kept, as what a service says may hold the key it was asked with.
    """

    failed: Code | None = None

    async def get(self, path: str, query: Mapping[str, str], read: Read[T]) -> T:
        try:
            found = await super().get(path, query, read)
        except VenueError as error:
            self.failed = error.code
            raise
        self.failed = None
        return found


@dataclass(frozen=True, slots=True)
class OpenPrices:
    """``slot_age`` says how many seconds ago the slot of the source's prices was: a chain's, or a feed's own time.

    ``service`` is who is asked for them, of a feed that asks. ``parts`` are the sources that have to agree, each alone,
    in the order of PRICE_SOURCE; none where there is one.
    """

    source: PriceSource
    slot_age: SlotAge
    service: PriceService | None = None
    parts: Sequence[OpenPrices] = ()


@asynccontextmanager
async def open_prices(settings: Settings, pools: PoolBook, slot_age: SlotAge) -> AsyncIterator[OpenPrices]:
    """``slot_age`` is the chain's. Raises ``SettingsError`` where a file of ticks can't be read."""
    async with AsyncExitStack() as stack:
        opened = [await _opened(word, settings, pools, slot_age, stack) for word in settings.price_source]
        # What an old price agrees with isn't borne out by it.
        max_age = settings.price_max_age
        first, others = opened[0], [RecentPrices(one.source, one.slot_age, max_age=max_age) for one in opened[1:]]
        if not others:
            yield first
            return
        agreed = AgreedPrices(first.source, others, most_bps=settings.price_agreement_bps)
        yield OpenPrices(agreed, first.slot_age, parts=opened)


async def _opened(
    word: str, settings: Settings, pools: PoolBook, slot_age: SlotAge, stack: AsyncExitStack
) -> OpenPrices:
    if word == "pools":
        return OpenPrices(PoolPrices(pools), slot_age)
    feed: Feed
    service: PriceService | None = None
    if word == "jupiter":
        service = await _jupiter(settings, stack)
        # Half of the requests that all of Jupiter's paths have together, at most.
        feed = JupiterFeed(service, KNOWN_TOKENS.tokens, every=max(2.0, 2 * MINUTE / jupiter_most(settings)))
    elif word == "binance":
        feed = binance = BinanceFeed(settings.binance_url, KNOWN_TOKENS.tokens)
        running = asyncio.create_task(binance.run(), name="binance")
        stack.callback(running.cancel)
    elif word == "pyth":
        service = _pyth(settings, stack)
        feed = pyth.PythFeed(service, KNOWN_TOKENS.tokens, every=_PYTH_EVERY_S)
    else:
        feed = recorded_prices(word)
    prices = FeedPrices(feed, max_age=settings.price_max_age)
    return OpenPrices(prices, prices.age, service)


async def _jupiter(settings: Settings, stack: AsyncExitStack) -> PriceService:
    budget: Budget = NoBudget()
    if settings.redis_url:
        connecting = open_valkey(settings.redis_url, socket_connect_timeout=1, socket_timeout=1)
        budget = jupiter_budget(settings, await stack.enter_async_context(connecting))
    service = PriceService(
        "jupiter prices",
        settings.jupiter_price_url,
        budget=budget,
        refused=refused,
        timeout=settings.venue_timeout,
        headers=jupiter_headers(settings),
    )
    stack.push_async_callback(service.close)
    return service


def _pyth(settings: Settings, stack: AsyncExitStack) -> PriceService:
    service = PriceService(
        "pyth",
        settings.pyth_url,
        budget=NoBudget(),
        refused=pyth.refused,
        timeout=settings.venue_timeout,
        headers={"authorization": f"Bearer {settings.pyth_api_key}"} if settings.pyth_api_key else {},
    )
    stack.push_async_callback(service.close)
    return service
