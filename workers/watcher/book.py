"""The book: every waiting order, sorted by level for each pair and side: a tick looks at what it reaches.

A still price costs a comparison a list, and one for each order that rests within its limit, however many rest beyond.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.tokens import Pair, Side
from venues.prices import Depth, PairPrice
from workers.watcher.waiting_order import WaitingOrder

# How soon a moving price reaches the level, then age, which is unique: the orders themselves are never compared.
_Row = tuple[Decimal, int, WaitingOrder]
_Level = tuple[str, Side, bool]


class Book:
    """Waiting orders by id. Not thread-safe: one loop owns it."""

    def __init__(self) -> None:
        self._orders: dict[UUID, WaitingOrder] = {}
        self._levels: dict[_Level, list[_Row]] = {}
        self._pairs: dict[str, tuple[Pair, int]] = {}
        self._rearm_timers: list[tuple[datetime, UUID, int]] = []
        # The reserves at which the quote of an order that needs one was last found short.
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
        """As of which version the book has the order; 0 where it isn't in it."""
        known = self._orders.get(order_id)
        return known.version if known else 0

    def put(self, order: WaitingOrder) -> None:
        """Add ``order``, or replace it by what is now known of it; what is older, or known, changes nothing."""
        known = self._orders.get(order.order_id)
        if known is not None and known.version >= order.version:
            return
        self.take(order.order_id)
        symbol = order.pair.symbol
        self._pairs[symbol] = (order.pair, self._pairs.get(symbol, (order.pair, 0))[1] + 1)
        if order.armed_at is None:
            self._insert(order)
        else:
            self._orders[order.order_id] = order
            heapq.heappush(self._rearm_timers, (order.armed_at, order.order_id, order.version))

    def take(self, order_id: UUID) -> WaitingOrder | None:
        """Remove and return the order, None where it isn't in the book."""
        order = self._orders.pop(order_id, None)
        if order is None:
            return None
        symbol = order.pair.symbol
        pair, count = self._pairs.pop(symbol)
        if count > 1:
            self._pairs[symbol] = (pair, count - 1)
        self._short.pop(order_id, None)
        if order.armed_at is None:
            shelf = self._levels[_level(order)]
            del shelf[bisect_left(shelf, _row(order))]
        return order

    def rearm_due(self, now: datetime) -> None:
        """Put orders whose time has come where prices reach them."""
        while self._rearm_timers and self._rearm_timers[0][0] <= now:
            _, order_id, version = heapq.heappop(self._rearm_timers)
            order = self._orders.get(order_id)
            # An order may come, go and come again at one version, and leave an alarm each time: one wakes it.
            if order is not None and order.version == version and order.armed_at is not None:
                self._insert(replace(order, armed_at=None))

    def triggered_by(self, price: PairPrice) -> list[tuple[WaitingOrder, bool]]:
        """What ``price`` makes act, in the order of fairness, each with whether its quote at size met its limit."""
        found: list[tuple[WaitingOrder, bool]] = []
        for side in ("sell", "buy"):
            touch = price.touch(side)
            acting = [
                (order.rank(touch), order, at_size)
                for order in self._reached(price, side)
                if (at_size := self._acts(order, price)) is not None
            ]
            found += [(order, at_size) for _, order, at_size in sorted(acting)]
        return found

    def _reached(self, price: PairPrice, side: Side) -> Iterator[WaitingOrder]:
        touch = price.touch(side)
        for above in (True, False):
            for _, _, order in self._levels.get((price.pair.symbol, side, above), ()):
                if not order.is_reached(touch):
                    break
                yield order

    def _acts(self, order: WaitingOrder, price: PairPrice) -> bool | None:
        """Whether it acts by its quote at size, which is computed once for the same reserves; None: it doesn't act."""
        if order.stop is not None or order.is_armed(price.touch(order.side)):
            return False
        if order.minimum_out is None or self._short.get(order.order_id) == price.depths:
            return None
        if price.out(order.side, order.amount_in) >= order.minimum_out:
            return True
        self._short[order.order_id] = price.depths
        return None

    def _insert(self, order: WaitingOrder) -> None:
        self._orders[order.order_id] = order
        insort(self._levels.setdefault(_level(order), []), _row(order))


def _level(order: WaitingOrder) -> _Level:
    return order.pair.symbol, order.side, order.is_above


def _row(order: WaitingOrder) -> _Row:
    """A price that rises reaches low levels first, one that falls reaches high ones first."""
    return order.level if order.is_above else -order.level, order.position, order
