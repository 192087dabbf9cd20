"""The watcher: observes the price of every pair an order waits on, and triggers what it meets. One runs at a time.

A price that came and went while nobody watched triggers nothing; the present one does. Every append carries the lease:
a watcher that slept past its end triggers nothing. An observation too many changes nothing: the domain decides again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import itemgetter

import psycopg
import structlog

from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from commands.trading import TradingStates
from domain.commands import ObservePrice
from domain.errors import NotApplicableError
from domain.events import Observation, TrailMoved
from domain.tokens import Side
from event_store.errors import LeaseLostError
from event_store.processors.leases import Lease
from event_store.read.feed import LogFeed
from event_store.read.tail import Tail
from event_store.types import PositionedEvent
from venues.prices import PairPrice, Prices, PriceSource
from workers.dead_letters import MOST_FAILURES
from workers.errors import TRANSIENT_ERRORS, error_code
from workers.log_follower import follow_log
from workers.metrics import FIRE_SECONDS, FIRED, OBSERVATIONS
from workers.outages import Outages
from workers.watcher.book_feed import WATCHER, BookFeed
from workers.watcher.deadman import DeadmanWatch
from workers.watcher.freshness import Freshness
from workers.watcher.last_bests import record_last_bests
from workers.watcher.price_effects import Met, is_held
from workers.watcher.price_jump_filter import PriceJumpFilter

log = structlog.get_logger(__name__)

ORDERS_AT_ONCE = 300
SIDES: tuple[Side, Side] = ("sell", "buy")
# Most events concern no waiting order: while the watcher stands by they gather for so many seconds.
STANDBY_GATHER_S = 0.5


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds: between observations, how old a price may be that triggers, between reads of the dead letters."""

    observe: float = 0.1
    stale: float = 5.0
    dead_letters: float = 1.0


@dataclass(frozen=True, slots=True)
class _Observed:
    """Prices, when they were asked for by the log's clock, and the same by the monotonic clock, in seconds."""

    prices: Prices
    at: datetime
    begun: float


class Watcher:
    """``follow`` keeps the book, standing by or not; ``run`` observes and triggers orders, under ``lease``.

    Of an account whose dead-man's switch is due nothing is triggered, with ``paper`` no real order, and while trading
    is halted none that couldn't rest again; best touches are recorded all the same. ``told`` hears of every event.
    """

    def __init__(
        self,
        *,
        feed: BookFeed,
        orders: OrderRepository,
        log: LogFeed,
        source: PriceSource,
        slot_age: Callable[[int], Awaitable[int]],
        clock: Callable[[], datetime],
        deadman: DeadmanWatch,
        trading: TradingStates,
        pace: Pace | None = None,
        paper: bool = False,
        told: Callable[[Sequence[PositionedEvent]], None] = lambda _: None,
    ) -> None:
        self._told = told
        self._feed = feed
        self._deadman = deadman
        self._trading = trading
        self._paper = paper
        self._orders = orders
        self._source = source
        self._clock = clock
        self._pace = pace or Pace()
        self._jumps = PriceJumpFilter()
        self._freshness = Freshness(slot_age, self._pace.stale)
        self._tail = Tail(log.read, 0, limit=1_000, wakes=log, gather=STANDBY_GATHER_S)

    async def follow(self, after: int) -> None:
        """Keep the book in step with the log from position ``after`` on, and with the dead letters."""
        self._tail.position = after
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follow_log(self._tail, self._apply, processor=WATCHER))
            tasks.create_task(self._follow_dead_letters())

    async def _apply(self, batch: Sequence[PositionedEvent]) -> None:
        self._deadman.apply(batch)
        self._told(batch)
        await self._feed.apply(batch)

    async def _follow_dead_letters(self) -> None:
        while True:
            await asyncio.sleep(self._pace.dead_letters)
            try:
                await self._feed.follow_dead_letters()
            except TRANSIENT_ERRORS as error:
                log.warning("watcher can't read the dead letters", error=type(error).__name__)

    async def run(self, lease: Lease) -> None:
        """Observe and trigger orders until the lease is lost or it is cancelled, beside ``follow``."""
        self._tail.gather = 0.0
        try:
            await self._observe_on(lease)
        except asyncio.CancelledError:
            await record_last_bests(self._feed, self._orders, lease, self._clock)
            raise

    async def _observe_on(self, lease: Lease) -> None:
        outages = Outages()
        due = time.monotonic()
        while True:
            try:
                await self._observe(lease)
            except TRANSIENT_ERRORS as error:
                OBSERVATIONS.labels("failed").inc()
                if outages.begins():
                    log.warning("no price; nothing fires", error=type(error).__name__, reason=str(error)[:200])
                await asyncio.sleep(self._pace.observe)
            else:
                if outages.ends():
                    log.info("prices are back")
            # Counted from when it was due, so that the rate is the one asked for; after a delay none is made up for.
            due = max(due + self._pace.observe, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    async def _observe(self, lease: Lease) -> None:
        book = self._feed.book
        begun, now = time.monotonic(), self._clock()
        book.rearm_due(now)
        pairs = book.pairs
        if not pairs:
            return
        observed = _Observed(await self._source.observe(pairs), now, begun)
        if not observed.prices.pairs:
            # No venue holds any of the pairs: there is no price that could be stale.
            OBSERVATIONS.labels("none").inc()
            return
        verdict = await self._freshness.judge(observed.prices)
        OBSERVATIONS.labels(verdict).inc()
        if verdict != "used":
            return
        batches = []
        for price in observed.prices.pairs.values():
            if not self._jumps.accepts(price, observed.prices.slot):
                OBSERVATIONS.labels("held_back").inc()
                continue
            met = self._met_by(observed, price)
            batches += [
                (start, price, met[start : start + ORDERS_AT_ONCE]) for start in range(0, len(met), ORDERS_AT_ONCE)
            ]
        # First every pair's first batch, and so on: no pair waits until all of another's orders are done.
        for _, price, batch in sorted(batches, key=itemgetter(0)):
            if time.monotonic() - begun > self._pace.stale:
                # So many were met that the price is stale by now. The rest stays in the book for the next one.
                return
            await self._fire(lease, observed, price, batch)

    def _met_by(self, observed: _Observed, price: PairPrice) -> list[Met]:
        """The orders that ``price`` triggers, as ``Book.triggered_by`` has them: trailing stops first. Last come those
        of which only the best touch is to be recorded.
        """
        book, symbol = self._feed.book, price.pair.symbol
        triggered: list[Met] = []
        moved: list[Met] = []
        for side in SIDES:
            seen = partial(_observation, observed, price, side)
            found = book.trails.observe(symbol, side, seen, price.touch(side), observed.begun)
            to_record = {order.order_id: order for order in found[1]}
            triggered += [Met(order, records=to_record.pop(order.order_id, None) is not None) for order in found[0]]
            moved += [Met(order, triggers=False, records=True) for order in to_record.values()]
        return [*triggered, *(Met(order, at_size) for order, at_size in book.triggered_by(price)), *moved]

    async def _fire(self, lease: Lease, observed: _Observed, price: PairPrice, met: Sequence[Met]) -> None:
        loaded = await self._feed.load([one.order.order_id for one in met])
        accounts = self._deadman.held()
        trading = {
            account_id: await self._trading.of(account_id)
            for account_id in {history.account_id for history in loaded.values()}
        }
        decided = []
        for one in met:
            if history := loaded.get(one.order.order_id):
                held = is_held(history, accounts, trading, paper=self._paper)
                seen, best = _observation(observed, price, one.order.side), self._feed.book.trails.best_of(one.order)
                if command := one.command(seen, best, self._clock(), held=held):
                    decided.append((history, command))
        # Started in the order of fairness: each joins the next append before the one behind it.
        await asyncio.gather(*(self._record(lease, history, command, observed.begun) for history, command in decided))

    async def _record(self, lease: Lease, history: LoadedOrder, command: ObservePrice, begun: float) -> None:
        try:
            after = await self._orders.execute(history, command, guards=(lease.guard,))
            await self._feed.dead_letters.remove(history.order_id)
        except NotApplicableError:
            FIRED.labels("moved_on").inc()
        except LeaseLostError:
            raise
        except TRANSIENT_ERRORS as error:
            # It stays in the book, and the next observation tries again.
            FIRED.labels("failed").inc()
            log.warning("not fired yet", order_id=str(history.order_id), error=type(error).__name__)
        except Exception as error:
            FIRED.labels("refused").inc()
            log.error("price refused", order_id=str(history.order_id), error=error_code(error), exc_info=error)
            await self._record_failure(history, error)
        else:
            self._feed.place(after)
            FIRED.labels(_outcome(history, after)).inc()
            FIRE_SECONDS.observe(time.monotonic() - begun)

    async def _record_failure(self, history: LoadedOrder, error: Exception) -> None:
        """A defect of one order: it becomes a dead letter after a few failures, and the others go on."""
        try:
            failures = await self._feed.dead_letters.count_failure(history.order_id, history.version, error)
            if failures >= MOST_FAILURES:
                self._feed.book.take(history.order_id)
        except psycopg.Error as uncounted:
            log.warning("failure not counted", order_id=str(history.order_id), error=type(uncounted).__name__)


def _outcome(before: LoadedOrder, after: LoadedOrder) -> str:
    if after.version == before.version:
        return "unmet"
    return "moved" if isinstance(after.events[-1], TrailMoved) else "fired"


def _observation(observed: _Observed, price: PairPrice, side: Side) -> Observation:
    return Observation(
        source=observed.prices.source,
        pair=price.pair.symbol,
        slot=observed.prices.slot,
        touch=price.touch(side),
        observed_at=observed.at,
    )
