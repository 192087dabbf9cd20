"""The watcher: observes every pair somebody waits on, and fires what is met. One at a time, by its lease.

What was missed while nobody watched does not fire; what is met now does. Every append carries the lease: a watcher that
slept past it fires nothing. A duplicate or late tick changes nothing, because the domain decides again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
import psycopg_pool
import structlog

from chains.protocol import ChainUnavailable
from commands.orders import History, Orders
from domain.commands import ObservePrice
from domain.errors import DomainError, NotApplicable
from domain.events import Observation
from event_store.errors import LogUnavailable, OutcomeUnknown
from event_store.leases import Lease
from event_store.log import Log
from event_store.tail import Tail
from event_store.wake import Wake
from venues.prices import PairPrice, Prices, PriceSource
from workers.metrics import BOOK_ORDERS, FIRE_SECONDS, FIRED, OBSERVATIONS, PRICE_STALE
from workers.watcher.jumps import JumpGuard
from workers.watcher.resting import Resting
from workers.watcher.watching import Watching

log = structlog.get_logger(__name__)

WATCHER = "watcher"
ORDERS_AT_ONCE = 300
AWAY = (ChainUnavailable, LogUnavailable, OutcomeUnknown, psycopg.OperationalError, psycopg_pool.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between observations, and how long a source may stand at one slot before its price is stale."""

    observe: float = 0.1
    stale: float = 5.0


class Watcher:
    """``follow`` keeps the book, standing by or not; ``run`` observes and fires, under ``lease``."""

    def __init__(
        self,
        *,
        watching: Watching,
        orders: Orders,
        events: Log,
        wake: Wake | None,
        source: PriceSource,
        clock: Callable[[], datetime],
        pace: Pace | None = None,
    ) -> None:
        self._watching = watching
        self._orders = orders
        self._events = events
        self._wake = wake
        self._source = source
        self._clock = clock
        self._pace = pace or Pace()
        self._jumps = JumpGuard()
        self._seen: dict[str, PairPrice] = {}
        self._slot, self._slot_since = -1, time.monotonic()

    async def follow(self, after: int) -> None:
        """Keep the book in step with the log from position ``after`` on."""
        async for batch in Tail(self._events, after=after, limit=1_000, wake=self._wake):
            while True:
                try:
                    await self._watching.take_in(batch)
                    break
                except AWAY as away:
                    log.warning("watcher waits to read orders", error=type(away).__name__)
                    await asyncio.sleep(0.5)
            BOOK_ORDERS.set(len(self._watching.book))

    async def run(self, lease: Lease) -> None:
        while True:
            begun = time.monotonic()
            try:
                await self._observe(lease)
            except AWAY as away:
                OBSERVATIONS.labels("failed").inc()
                log.warning("no price; nothing fires", error=type(away).__name__, reason=str(away)[:200])
                await asyncio.sleep(self._pace.observe)
            await asyncio.sleep(max(0.0, begun + self._pace.observe - time.monotonic()))

    async def _observe(self, lease: Lease) -> None:
        book = self._watching.book
        now = self._clock()
        book.wake(now)
        pairs = book.pairs
        if not pairs:
            return
        prices = await self._source.observe(pairs)
        if self._is_stale(prices):
            OBSERVATIONS.labels("stale").inc()
            return
        OBSERVATIONS.labels("used").inc()
        for symbol, price in prices.pairs.items():
            before, self._seen[symbol] = self._seen.get(symbol), price
            if not self._jumps.believes(price):
                OBSERVATIONS.labels("doubted").inc()
                log.warning("a price jumped; believed once it stays", pair=symbol, touch=str(price.sell))
                continue
            met = book.met(price, moved=before is None or before.depths != price.depths)
            for start in range(0, len(met), ORDERS_AT_ONCE):
                await self._fire(lease, prices, price, met[start : start + ORDERS_AT_ONCE], now)

    def _is_stale(self, prices: Prices) -> bool:
        now = time.monotonic()
        if prices.slot != self._slot:
            self._slot, self._slot_since = prices.slot, now
        stale = now - self._slot_since > self._pace.stale
        if stale:
            log.warning("the price source stands still; nothing fires", source=prices.source, slot=prices.slot)
        PRICE_STALE.set(stale)
        return stale

    async def _fire(
        self, lease: Lease, prices: Prices, price: PairPrice, met: Sequence[tuple[Resting, bool]], now: datetime
    ) -> None:
        histories = await self._watching.load([order.order_id for order, _ in met])
        begun = time.monotonic()
        # Started in the order of fairness: each joins the next append before the one behind it.
        await asyncio.gather(
            *(
                self._tell(lease, histories[order.order_id], _observed(prices, price, order, now), at_size, begun)
                for order, at_size in met
                if order.order_id in histories
            )
        )

    async def _tell(
        self, lease: Lease, history: History, observation: Observation, at_size: bool, begun: float
    ) -> None:
        command = ObservePrice(observation, at_size, self._clock())
        try:
            after = await self._orders.execute(history, command, guards=(lease.guard,))
        except NotApplicable:
            FIRED.labels("moved_on").inc()
        except DomainError as refused:
            FIRED.labels("refused").inc()
            log.error("price refused", order_id=str(history.order_id), code=refused.code, reason=refused.detail)
        except AWAY as away:
            # It stays in the book: the next observation tries again.
            FIRED.labels("failed").inc()
            log.warning("not fired yet", order_id=str(history.order_id), error=type(away).__name__)
        else:
            self._watching.place(after)
            FIRED.labels("fired" if after.version > history.version else "unmet").inc()
            FIRE_SECONDS.observe(time.monotonic() - begun)


def _observed(prices: Prices, price: PairPrice, order: Resting, now: datetime) -> Observation:
    return Observation(
        source=prices.source,
        pair=price.pair.symbol,
        slot=prices.slot,
        touch=price.touch(order.side),
        observed_at=now,
    )
