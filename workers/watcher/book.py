"""The book: every waiting order, sorted by its level for each pair and side, so that a price finds what it reaches.

A price that doesn't move costs one comparison a list, and one for each order that rests although the price is within
its limit. How many orders wait beyond the price doesn't count.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from domain.tokens import Pair, Side
from domain.triggers import is_rest_over
from venues.prices import Depth, PairPrice
from workers.watcher.expiry_timers import ExpiryTimers
from workers.watcher.trails import Trails
from workers.watcher.waiting_order import WaitingOrder

# The level as a number that is lower the sooner a moving price reaches it, then the order's position, which is unique:
# the orders themselves are never compared.
_Row = tuple[Decimal, int, WaitingOrder]
# A list's pair, side, and whether a price that rises reaches its orders.
_Level = tuple[str, Side, bool]
# When an order that rests for a time is armed again, the order and its version.
_Timer = tuple[datetime, UUID, int]


class Book:
    """Waiting orders by id. Not thread-safe: one loop owns it."""

    def __init__(self) -> None:
        self._orders: dict[UUID, WaitingOrder] = {}
        # Orders that no price reaches yet, as they begin after another one, each with its version.
        self._held: dict[UUID, int] = {}
        self._levels: dict[_Level, list[_Row]] = {}
        # By symbol, each pair and how many orders wait on it.
        self._pairs: dict[str, tuple[Pair, int]] = {}
        self._rearm_timers: list[_Timer] = []
        # Those not yet compared with the clock as it is, and the newest time it has shown.
        self._new_timers: list[_Timer] = []
        self._now = datetime.max.replace(tzinfo=UTC)
        self._expiries = ExpiryTimers()
        self.trails = Trails()
        # The reserves for which the quote of an order that needs one was last computed and fell short.
        self._short: dict[UUID, tuple[Depth, ...]] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, order_id: UUID) -> bool:
        return order_id in self._orders

    @property
    def pairs(self) -> list[Pair]:
        """The pairs some order waits on."""
        return [pair for pair, _ in self._pairs.values()]

    def version_of(self, order_id: UUID) -> int:
        """The version of its stream as of which the book has the order; 0 where the order isn't in it."""
        known = self._orders.get(order_id)
        return known.version if known else self._held.get(order_id, 0)

    def put(self, order: WaitingOrder) -> None:
        """Add ``order``, or put it in place of an older version; a version that isn't newer changes nothing."""
        known = self._orders.get(order.order_id)
        if known is not None and known.version >= order.version:
            return
        trail = self.trails.take(known) if known else None
        self.take(order.order_id)
        self._expiries.add(order.order_id, order.expires_at)
        symbol = order.pair.symbol
        self._pairs[symbol] = (order.pair, self._pairs.get(symbol, (order.pair, 0))[1] + 1)
        if order.trail_bps is not None:
            self._orders[order.order_id] = order
            self.trails.put(order, trail)
        elif order.armed_at is None:
            self._insert(order)
        else:
            self._orders[order.order_id] = order
            self._new_timers.append((order.armed_at, order.order_id, order.version))

    def hold(self, order_id: UUID, version: int, expires_at: datetime) -> None:
        """Let the clock alone find an order that begins after another one of its list, and expires before that."""
        self.take(order_id)
        self._held[order_id] = version
        self._expiries.add(order_id, expires_at)

    def take(self, order_id: UUID) -> WaitingOrder | None:
        """Remove and return the order, None where none is in the book that waits for a price."""
        order = self._orders.pop(order_id, None)
        if order is None:
            if self._held.pop(order_id, None) is not None:
                self._expiries.take(order_id)
            return None
        symbol = order.pair.symbol
        pair, count = self._pairs.pop(symbol)
        if count > 1:
            self._pairs[symbol] = (pair, count - 1)
        self._short.pop(order_id, None)
        self._expiries.take(order_id)
        if order.trail_bps is not None:
            self.trails.take(order)
        elif order.armed_at is None:
            rows = self._levels[_level(order)]
            del rows[bisect_left(rows, _row(order))]
        return order

    def expired(self, now: datetime) -> list[UUID]:
        """The orders that have expired at ``now``; each again a second later, as long as it is in the book."""
        return self._expiries.due(now)

    def rearm_due(self, now: datetime) -> None:
        """Let prices reach the orders whose rest is over at ``now``, which may be earlier than the last time."""
        if now < self._now:
            self._new_timers += self._rearm_timers
            self._rearm_timers.clear()
        self._now = now
        for timer in self._new_timers:
            if is_rest_over(timer[0], now):
                self._rearm(timer)
            else:
                heapq.heappush(self._rearm_timers, timer)
        self._new_timers.clear()
        while self._rearm_timers and self._rearm_timers[0][0] <= now:
            self._rearm(heapq.heappop(self._rearm_timers))

    def _rearm(self, timer: _Timer) -> None:
        _, order_id, version = timer
        order = self._orders.get(order_id)
        # An order may come, go and come again at one version, and leave a timer each time: the first arms it.
        if order is not None and order.version == version and order.armed_at is not None:
            self._insert(replace(order, armed_at=None))

    def triggered_by(self, price: PairPrice) -> list[tuple[WaitingOrder, bool]]:
        """The orders ``price`` triggers, in the order of fairness, each with whether it is by its quote at size."""
        found: list[tuple[WaitingOrder, bool]] = []
        for side in ("sell", "buy"):
            touch = price.touch(side)
            triggered = [
                (order.rank(touch), order, at_size)
                for order in self._reached(price, side)
                if (at_size := self._triggers_at_size(order, price)) is not None
            ]
            found += [(order, at_size) for _, order, at_size in sorted(triggered)]
        return found

    def _reached(self, price: PairPrice, side: Side) -> Iterator[WaitingOrder]:
        touch = price.touch(side)
        for above in (True, False):
            for _, _, order in self._levels.get((price.pair.symbol, side, above), ()):
                if not order.is_reached(touch):
                    break
                yield order

    def _triggers_at_size(self, order: WaitingOrder, price: PairPrice) -> bool | None:
        """False: the touch alone triggers the order; True: its quote at size does; None: neither does.

        The quote at size is computed once for the same reserves.
        """
        if order.stop is not None or order.is_armed(price.touch(order.side)):
            return False
        if order.minimum_out is None or self._short.get(order.order_id) == price.depths:
            return None
        if order.is_met_at_size(price):
            return True
        self._short[order.order_id] = price.depths
        return None

    def _insert(self, order: WaitingOrder) -> None:
        self._orders[order.order_id] = order
        insort(self._levels.setdefault(_level(order), []), _row(order))


def _level(order: WaitingOrder) -> _Level:
    return order.pair.symbol, order.side, order.is_above


def _row(order: WaitingOrder) -> _Row:
    """The order's place in its list: a price that rises reaches low levels first, one that falls high ones."""
    return order.level if order.is_above else -order.level, order.position, order
