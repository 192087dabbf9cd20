"""The watcher: the book from the start, observations under the lease."""

from __future__ import annotations

import asyncio

from runtime.composition import lease_of, utc_now
from runtime.roles.parts import Parts
from venues.prices import PoolPrices
from workers.watcher.book import Book
from workers.watcher.book_feed import WATCHER, BookFeed
from workers.watcher.watcher import Pace, Watcher


async def run(parts: Parts) -> None:
    settings, store, market = parts.settings, parts.store, parts.market
    await market.identity.confirmed()
    book = BookFeed(store.pool, store.events, store.orders, Book())
    watcher = Watcher(
        feed=book,
        orders=store.orders,
        log=store.feed,
        source=PoolPrices(market.pools),
        slot_age=market.chain.slot_age,
        clock=utc_now,
        pace=Pace(observe=settings.price_poll_ms / 1000, stale=settings.price_max_age),
    )
    after = await book.restore()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watcher.follow(after))
        async with lease_of(store, WATCHER).hold() as lease:
            await watcher.run(lease)
