"""The watcher: the book from the start, observations under the lease."""

from __future__ import annotations

import asyncio

from commands.ids import DEFAULT_ACCOUNT
from projections.orders.queries import OrderList
from runtime.composition import Store, lease_of, utc_now
from runtime.price_sources import OpenPrices, open_prices
from runtime.roles.parts import Parts
from workers.watcher.book import Book
from workers.watcher.book_feed import WATCHER, BookFeed
from workers.watcher.deadman import DeadmanWatch
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
    deadman = deadman_watch(store)
    watcher = Watcher(
        feed=book,
        orders=store.orders,
        log=store.feed,
        source=prices.source,
        slot_age=prices.slot_age,
        deadman=deadman,
        trading=store.trading,
        clock=utc_now,
        pace=Pace(observe=settings.price_poll_ms / 1000, stale=settings.price_max_age),
        paper=settings.paper,
    )
    expiry = Expiry(book, store.orders, store.trading, utc_now)
    await store.known_accounts.load()
    after = await book.restore()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watcher.follow(after))
        async with lease_of(store, WATCHER).hold() as lease, asyncio.TaskGroup() as under_lease:
            # Before anything is triggered: what was due while nobody watched holds its account's orders.
            await deadman.restore()
            under_lease.create_task(deadman.run(lease))
            under_lease.create_task(expiry.run(lease))
            await watcher.run(lease)


def deadman_watch(store: Store) -> DeadmanWatch:
    """The dead-man's switches of every account."""
    return DeadmanWatch(
        store.deadman,
        store.orders,
        store.trading,
        open_orders=OrderList(store.pool, store.ask_for_hurry).open,
        accounts=lambda: {DEFAULT_ACCOUNT, *(account.account_id for account in store.known_accounts.accounts)},
        clock=utc_now,
    )
