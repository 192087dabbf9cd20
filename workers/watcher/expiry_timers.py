"""When the waiting orders of a book expire, so that the clock finds those that have."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from workers.watcher.waiting_order import WaitingOrder

AGAIN = timedelta(seconds=1)


class ExpiryTimers:
    """When the orders of a book expire; of an order that has left it, or changed, the timer means nothing."""

    def __init__(self) -> None:
        self._timers: list[tuple[datetime, UUID, int]] = []

    def add(self, order: WaitingOrder) -> None:
        if order.expires_at is not None:
            heapq.heappush(self._timers, (order.expires_at, order.order_id, order.version))

    def due(self, now: datetime, version_of: Callable[[UUID], int]) -> list[UUID]:
        """The orders of the book that have expired; each is due again a second later, until it has left the book."""
        found: set[UUID] = set()
        while self._timers and self._timers[0][0] <= now:
            _, order_id, version = heapq.heappop(self._timers)
            if version_of(order_id) == version and order_id not in found:
                found.add(order_id)
                heapq.heappush(self._timers, (now + AGAIN, order_id, version))
        return list(found)
