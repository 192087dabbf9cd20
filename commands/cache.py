"""Histories a process has read or written, so that it reads of an order only what it doesn't know.

What is in the log never changes, so what is kept is the beginning of what there is; whoever decides on an order asks
the log for what came after. A log that was put back to an earlier moment is noticed: its next event follows another.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from commands.loaded_order import LoadedOrder


class OrderCache:
    """The latest ``most`` orders that this process hasn't seen end.

    Without those one of whose attempts has expired: the evidence of it, every block of its life, is most of a history.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[UUID, LoadedOrder] = {}

    def keep(self, history: LoadedOrder) -> None:
        """Unless it is older than what is kept."""
        before = self._kept.pop(history.order_id, history)
        order = history.order
        if order is None or order.ended or any(attempt.end == "expired" for attempt in order.attempts):
            return
        self._kept[history.order_id] = max(before, history, key=lambda one: one.version)
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    def forget(self, order_id: UUID) -> None:
        self._kept.pop(order_id, None)

    def of(self, order_ids: Iterable[UUID]) -> dict[UUID, LoadedOrder]:
        """Those of ``order_ids`` that are kept."""
        return {order_id: self._kept[order_id] for order_id in order_ids if order_id in self._kept}
