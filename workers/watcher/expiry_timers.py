"""When the waiting orders of a book expire, so that the clock finds those that have."""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta
from uuid import UUID

AGAIN = timedelta(seconds=1)
# More timers than this that mean nothing any more, and than those that do, are cleared away.
MOST_SPENT = 1_000

_Timer = tuple[datetime, UUID]


class ExpiryTimers:
    """When the orders of a book expire. The timer of an order that has left it means nothing, and is found and cleared
    away later: orders come and go, and trails move, long before they expire.
    """

    def __init__(self) -> None:
        self._heap: list[_Timer] = []
        self._of: dict[UUID, _Timer] = {}

    def __len__(self) -> int:
        """How many there are, those that mean nothing any more among them."""
        return len(self._heap)

    def add(self, order_id: UUID, expires_at: datetime | None) -> None:
        """Of an order that has none; nothing where it doesn't expire."""
        if expires_at is not None:
            self._set((expires_at, order_id))
            self._clear_away()

    def take(self, order_id: UUID) -> None:
        """Remove the order's, where it has one."""
        if self._of.pop(order_id, None) is not None:
            self._clear_away()

    def due(self, now: datetime) -> list[UUID]:
        """The orders that have expired; each is due again a second later, until it is taken."""
        found: list[UUID] = []
        while self._heap and self._heap[0][0] <= now:
            timer = heapq.heappop(self._heap)
            # An order that came again, with the same time, has left two: the first is its.
            if self._of.get(timer[1]) == timer:
                found.append(timer[1])
                self._set((now + AGAIN, timer[1]))
        return found

    def _set(self, timer: _Timer) -> None:
        self._of[timer[1]] = timer
        heapq.heappush(self._heap, timer)

    def _clear_away(self) -> None:
        if len(self._heap) > 2 * len(self._of) + MOST_SPENT:
            self._heap = list(self._of.values())
            heapq.heapify(self._heap)
