"""The book: every waiting order, sorted by level for each pair, side and direction: a tick looks at what it meets.

A still price costs two comparisons a list, however many orders rest.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.tokens import Pair, Side
from venues.prices import PairPrice
from workers.watcher.resting import Falls, Resting

# Sorted by how soon a moving price reaches the level, then by age: the order of fairness.
_Row = tuple[Decimal, int, UUID]
_Shelf = tuple[str, Side, Falls]


class Book:
    """Waiting orders by id. Not thread-safe: one loop owns it."""

    def __init__(self) -> None:
        self._orders: dict[UUID, Resting] = {}
        self._shelves: dict[_Shelf, list[_Row]] = {}
        self._by_size: dict[str, dict[UUID, Resting]] = {}
        self._pairs: dict[str, tuple[Pair, int]] = {}
        self._alarms: list[tuple[datetime, UUID, int]] = []

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, order_id: UUID) -> bool:
        return order_id in self._orders

    @property
    def pairs(self) -> list[Pair]:
        """The pairs some order waits on."""
        return [pair for pair, _ in self._pairs.values()]

    def put(self, order: Resting) -> None:
        """Add ``order``, or replace it by what is now known of it."""
        self.take(order.order_id)
        self._orders[order.order_id] = order
        symbol = order.pair.symbol
        self._pairs[symbol] = (order.pair, self._pairs.get(symbol, (order.pair, 0))[1] + 1)
        if order.minimum_out is not None:
            self._by_size.setdefault(symbol, {})[order.order_id] = order
        if order.armed_at is not None:
            heapq.heappush(self._alarms, (order.armed_at, order.order_id, order.version))
        else:
            self._shelve(order)

    def take(self, order_id: UUID) -> Resting | None:
        """Remove and return the order, None where it isn't in the book."""
        order = self._orders.pop(order_id, None)
        if order is None:
            return None
        symbol = order.pair.symbol
        pair, count = self._pairs.pop(symbol)
        if count > 1:
            self._pairs[symbol] = (pair, count - 1)
        self._by_size.get(symbol, {}).pop(order_id, None)
        shelf, row = self._shelves.get(_shelf(order), []), _row(order)
        at = bisect_left(shelf, row)
        if at < len(shelf) and shelf[at] == row:
            del shelf[at]
        return order

    def wake(self, now: datetime) -> None:
        """Put orders whose time has come where prices reach them."""
        while self._alarms and self._alarms[0][0] <= now:
            _, order_id, version = heapq.heappop(self._alarms)
            order = self._orders.get(order_id)
            if order is not None and order.version == version and order.armed_at is not None:
                self._shelve(order)

    def met(self, price: PairPrice, *, moved: bool = True) -> list[tuple[Resting, bool]]:
        """What ``price`` makes act, in the order of fairness, each with whether its size met its limit.

        Quotes at size are computed only where the reserves ``moved`` since the last look.
        """
        found = {order.order_id: (order, False) for order in self._reached(price)}
        for order in self._by_size.get(price.pair.symbol, {}).values() if moved else ():
            if order.minimum_out is not None and price.out(order.side, order.amount_in) >= order.minimum_out:
                found[order.order_id] = (order, True)
        return sorted(found.values(), key=lambda one: _row(one[0]))

    def levels(self, pair: Pair, side: Side) -> tuple[int, Decimal | None]:
        """How many orders of a side wait for the price, and the level a moving price reaches first."""
        nearest = [self._orders[shelf[0][2]].level for shelf in self._sides(pair.symbol, side) if shelf]
        count = sum(len(shelf) for shelf in self._sides(pair.symbol, side))
        return count, min(nearest) if nearest else None

    def _reached(self, price: PairPrice) -> Iterator[Resting]:
        for side in ("sell", "buy"):
            touch = price.touch(side)
            for shelf in self._sides(price.pair.symbol, side):
                for row in shelf:
                    order = self._orders[row[2]]
                    if not order.is_reached(touch):
                        break
                    yield order

    def _sides(self, symbol: str, side: Side) -> Iterable[list[_Row]]:
        for falls in ("at_or_above", "at_or_below"):
            yield self._shelves.get((symbol, side, falls), [])

    def _shelve(self, order: Resting) -> None:
        insort(self._shelves.setdefault(_shelf(order), []), _row(order))


def _shelf(order: Resting) -> _Shelf:
    return order.pair.symbol, order.side, order.reached


def _row(order: Resting) -> _Row:
    """A price that rises reaches low levels first, one that falls reaches high ones first."""
    return (order.level if order.reached == "at_or_above" else -order.level, order.position, order.order_id)
