"""The watcher: observes every pair somebody waits on, and fires what is met. One at a time, by its lease.

What was missed while nobody watched does not fire; what is met now does. Every append carries the lease: a watcher that
slept past it fires nothing. A duplicate tick changes nothing, because the domain decides again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

import psycopg
import structlog

from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain.commands import ObservePrice
from domain.errors import NotApplicableError
from domain.events import Observation
from event_store.errors import LeaseLostError
from event_store.notifier import Notifier
from event_store.processors.leases import Lease
from event_store.read.log import Log
from event_store.read.tail import Tail
from venues.prices import PairPrice, Prices, PriceSource
from workers.dead_letters import MOST_FAILURES, kind
from workers.errors import TRANSIENT_ERRORS
from workers.metrics import FIRE_SECONDS, FIRED, OBSERVATIONS
from workers.watcher.book_feed import BookFeed
from workers.watcher.freshness import Freshness
from workers.watcher.price_jump_filter import PriceJumpFilter
from workers.watcher.waiting_order import WaitingOrder

log = structlog.get_logger(__name__)

ORDERS_AT_ONCE = 300
# Most of what is in the log waits for no price: events gather before they are read, for one who stands by longer.
TAKE_IN_S = 0.1
STANDING_BY_S = 0.5


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between observations, how old a price may be that fires, and between looks at what is set aside."""

    observe: float = 0.1
    stale: float = 5.0
    dead_letters: float = 1.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """One observation, by the clock of the log and by the monotonic one."""

    prices: Prices
    at: datetime
    begun: float


class Watcher:
    """``follow`` keeps the book, standing by or not; ``run`` observes and fires, under ``lease``."""

    def __init__(
        self,
        *,
        watching: BookFeed,
        orders: OrderRepository,
        events: Log,
        notifier: Notifier | None,
        source: PriceSource,
        slot_age: Callable[[int], Awaitable[int]],
        clock: Callable[[], datetime],
        pace: Pace | None = None,
    ) -> None:
        self._watching = watching
        self._orders = orders
        self._source = source
        self._clock = clock
        self._pace = pace or Pace()
        self._jumps = PriceJumpFilter()
        self._freshness = Freshness(slot_age, self._pace.stale)
        self._tail = Tail(events.marks, 0, limit=1_000, notifier=notifier, pause=STANDING_BY_S, poll=STANDING_BY_S)

    async def follow(self, after: int) -> None:
        """Keep the book in step with the log from position ``after`` on, and with what is set aside."""
        self._tail.position = after
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take_in())
            tasks.create_task(self._follow_dead_letters())

    async def _follow_dead_letters(self) -> None:
        while True:
            await asyncio.sleep(self._pace.dead_letters)
            try:
                await self._watching.follow_dead_letters()
            except TRANSIENT_ERRORS as error:
                log.warning("watcher can't tell what is set aside", error=type(error).__name__)

    async def _take_in(self) -> None:
        async for batch in self._tail:
            while True:
                try:
                    await self._watching.take_in(batch)
                    break
                except TRANSIENT_ERRORS as error:
                    log.warning("watcher waits to read orders", error=type(error).__name__)
                    await asyncio.sleep(0.5)

    async def run(self, lease: Lease) -> None:
        """Observe and fire until the lease is lost or it is cancelled, beside ``follow``."""
        self._tail.pause = self._tail.poll = TAKE_IN_S
        outage: str | None = None
        due = time.monotonic()
        while True:
            try:
                await self._observe(lease)
            except TRANSIENT_ERRORS as error:
                OBSERVATIONS.labels("failed").inc()
                if outage is None:
                    log.warning("no price; nothing fires", error=type(error).__name__, reason=str(error)[:200])
                outage = type(error).__name__
                await asyncio.sleep(self._pace.observe)
            else:
                if outage is not None:
                    log.info("prices are back", after=outage)
                outage = None
            # Counted from when it was due, so that the rate is what was asked for; one that is late is not made up for.
            due = max(due + self._pace.observe, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    async def _observe(self, lease: Lease) -> None:
        book = self._watching.book
        begun, now = time.monotonic(), self._clock()
        book.rearm_due(now)
        pairs = book.pairs
        if not pairs:
            return
        seen = _Seen(await self._source.observe(pairs), now, begun)
        if not seen.prices.pairs:
            # Nobody holds what is waited for: there is no price that could be old.
            OBSERVATIONS.labels("none").inc()
            return
        verdict = await self._freshness.of(seen.prices)
        OBSERVATIONS.labels(verdict).inc()
        if verdict != "used":
            return
        batches = []
        for price in seen.prices.pairs.values():
            if not self._jumps.accepts(price, seen.prices.slot):
                OBSERVATIONS.labels("held_back").inc()
                continue
            met = book.triggered_by(price)
            batches += [(at, price, met[at : at + ORDERS_AT_ONCE]) for at in range(0, len(met), ORDERS_AT_ONCE)]
        # In turn, so that no pair waits for all of another's.
        for _, price, batch in sorted(batches, key=itemgetter(0)):
            if time.monotonic() - begun > self._pace.stale:
                # So many were met that the price is old by now. They stay in the book: the next one decides.
                return
            await self._fire(lease, seen, price, batch)

    async def _fire(
        self, lease: Lease, seen: _Seen, price: PairPrice, met: Sequence[tuple[WaitingOrder, bool]]
    ) -> None:
        histories = await self._watching.load([order.order_id for order, _ in met])
        # Started in the order of fairness: each joins the next append before the one behind it.
        await asyncio.gather(
            *(
                self._tell(lease, histories[order.order_id], _observed(seen, price, order), at_size, seen.begun)
                for order, at_size in met
                if order.order_id in histories
            )
        )

    async def _tell(
        self, lease: Lease, history: LoadedOrder, observation: Observation, at_size: bool, begun: float
    ) -> None:
        command = ObservePrice(observation, at_size, self._clock())
        try:
            after = await self._orders.execute(history, command, guards=(lease.guard,))
            await self._watching.dead_letters.handled(history.order_id)
        except NotApplicableError:
            FIRED.labels("moved_on").inc()
        except LeaseLostError:
            raise
        except TRANSIENT_ERRORS as error:
            # It stays in the book: the next observation tries again.
            FIRED.labels("failed").inc()
            log.warning("not fired yet", order_id=str(history.order_id), error=type(error).__name__)
        except Exception as error:
            FIRED.labels("refused").inc()
            log.error("price refused", order_id=str(history.order_id), error=kind(error), exc_info=error)
            await self._failed(history, error)
        else:
            self._watching.place(after)
            FIRED.labels("fired" if after.version > history.version else "unmet").inc()
            FIRE_SECONDS.observe(time.monotonic() - begun)

    async def _failed(self, history: LoadedOrder, error: Exception) -> None:
        """A defect of one order: it is set aside after a few, and the others fire on."""
        try:
            if await self._watching.dead_letters.failed(history.order_id, history.version, error) >= MOST_FAILURES:
                self._watching.book.take(history.order_id)
        except psycopg.Error as uncounted:
            log.warning("failure not counted", order_id=str(history.order_id), error=type(uncounted).__name__)


def _observed(seen: _Seen, price: PairPrice, order: WaitingOrder) -> Observation:
    return Observation(
        source=seen.prices.source,
        pair=price.pair.symbol,
        slot=seen.prices.slot,
        touch=price.touch(order.side),
        observed_at=seen.at,
    )
