"""The watcher: the book from the start, observations under the lease."""

from __future__ import annotations

import asyncio

from runtime.composition import lease_of, utc_now
from runtime.price_sources import OpenPrices, open_prices
from runtime.roles.parts import Parts
from workers.watcher.book import Book
from workers.watcher.book_feed import WATCHER, BookFeed
from workers.watcher.expiry import Expiry
from workers.watcher.watcher import Pace, Watcher


async def run(parts: Parts) -> None:
    market = parts.market
    await market.identity.confirmed()
    async with open_prices(parts.settings, market.pools, market.chain.slot_age) as prices:
        await _watch(parts, prices)


async def _watch(parts: Parts, prices: OpenPrices) -> None:
    settings, store = parts.settings, parts.store
    book = BookFeed(store.pool, store.events, store.orders, Book())
    watcher = Watcher(
        feed=book,
        orders=store.orders,
        log=store.feed,
        source=prices.source,
        slot_age=prices.slot_age,
        clock=utc_now,
        pace=Pace(observe=settings.price_poll_ms / 1000, stale=settings.price_max_age),
    )
    expiry = Expiry(book, store.orders, store.trading, utc_now)
    after = await book.restore()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watcher.follow(after))
        async with lease_of(store, WATCHER).hold() as lease, asyncio.TaskGroup() as under_lease:
            under_lease.create_task(expiry.run(lease))
            await watcher.run(lease)
