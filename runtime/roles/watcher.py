"""The watcher's process: the book from the start, observations under the lease."""

from __future__ import annotations

import asyncio

from runtime.composition import lease_of, open_market, open_store, utc_now
from runtime.settings import Settings
from venues.prices import PoolPrices
from workers.watcher.book import Book
from workers.watcher.book_feed import WATCHER, BookFeed
from workers.watcher.watcher import Pace, Watcher


async def run(settings: Settings) -> None:
    async with open_store(settings, "watcher") as store, open_market(settings, store) as market:
        await market.identity.confirmed()
        feed = BookFeed(store.pool, store.events, store.orders, Book())
        watcher = Watcher(
            feed=feed,
            orders=store.orders,
            events=store.events,
            notifier=store.notifier,
            source=PoolPrices(market.pools),
            slot_age=market.chain.slot_age,
            clock=utc_now,
            pace=Pace(observe=settings.price_poll_ms / 1000, stale=settings.price_max_age),
        )
        after = await feed.restore()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watcher.follow(after))
            async with lease_of(store, WATCHER).hold() as lease:
                await watcher.run(lease)
