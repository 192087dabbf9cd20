"""The watcher: the book from the start, observations under the lease."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from api.rates import Rates
from commands.ids import DEFAULT_ACCOUNT
from commands.order_limits import MarketPrice
from commands.reservations import Reservations
from domain.tokens import Pair
from projections.orders.queries import OrderList
from runtime.composition import Store, lease_of, utc_now
from runtime.price_sources import OpenPrices, open_prices
from runtime.roles.parts import Parts
from venues.prices import PriceSource
from workers.errors import WaitError
from workers.twap.slices import SliceOrders
from workers.twap.watch import TwapWatch
from workers.watcher.book import Book
from workers.watcher.book_feed import WATCHER, BookFeed
from workers.watcher.deadman import BY as DEADMAN
from workers.watcher.deadman import DeadmanWatch
from workers.watcher.expiry import Expiry
from workers.watcher.watcher import Pace, Watcher


async def run(parts: Parts) -> None:
    market = parts.market
    await market.identity.confirmed()
    async with (
        open_prices(parts.settings, market.pools, market.chain.slot_age) as prices,
        Rates(parts.settings.redis_url, fail_open=parts.settings.rates_without_valkey == "open") as rates,
    ):
        await _watch(parts, prices, rates)


async def _watch(parts: Parts, prices: OpenPrices, rates: Rates) -> None:
    settings, store = parts.settings, parts.store
    book = BookFeed(store.pool, store.events, store.orders, Book())
    deadman = deadman_watch(store, paper=parts.settings.paper)
    twaps = twap_watch(parts, prices.source, deadman, rates)
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
        told=twaps.apply,
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
            under_lease.create_task(twaps.run(lease))
            await watcher.run(lease)


def deadman_watch(store: Store, *, paper: bool = False) -> DeadmanWatch:
    """The dead-man's switches of every account."""

    open_orders = OrderList(store.pool, store.ask_for_hurry).open

    async def stop_lists(account_id: UUID, because: str) -> list[UUID]:
        ended = await store.twaps.cancel_all(
            account_id, open_orders=open_orders, by=DEADMAN, because=because, now=utc_now()
        )
        return ended.unreadable

    return DeadmanWatch(
        store.deadman,
        store.orders,
        store.trading,
        stop_lists=stop_lists,
        open_orders=open_orders,
        accounts=lambda: {DEFAULT_ACCOUNT, *(account.account_id for account in store.known_accounts.accounts)},
        clock=utc_now,
        paper=paper,
    )


def twap_watch(parts: Parts, source: PriceSource, deadman: DeadmanWatch, rates: Rates) -> TwapWatch:
    """The TWAPs of every account, whose slices are taken as any order is."""
    settings, store = parts.settings, parts.store

    async def market(pair: Pair) -> MarketPrice:
        found = (await source.observe([pair])).pairs.get(pair.symbol)
        if found is None:
            raise WaitError(f"no venue has a price of {pair.symbol}")
        return found

    async def is_too_often(account_id: UUID, a_minute: int) -> bool:
        rate = await rates.hit(account_id, a_minute)
        if rate is None and not rates.fail_open:
            raise WaitError("nobody can tell how many orders the account has sent")
        return rate is not None and rate.exceeded

    slices = SliceOrders(
        store.orders,
        Reservations(store.pool),
        store.known_accounts,
        store.executed_elsewhere,
        market=market,
        is_too_often=is_too_often,
        deadline=timedelta(seconds=settings.market_order_deadline),
        clock=utc_now,
    )
    return TwapWatch(
        store.twaps,
        slices,
        store.orders,
        store.trading,
        held=deadman.held,
        epochs=store.epochs.all,
        clock=utc_now,
        paper=settings.paper,
    )
