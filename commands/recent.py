"""Histories a process has read or written, so that it reads of an order only what it doesn't know.

What is in the log never changes, so whatever is kept is true; the order may have gone on since, and whoever decides on
it asks the log for what came after.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from commands.history import History


class Recent:
    """The latest ``most`` orders that go on; those that ended are let go of."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[UUID, History] = {}

    def keep(self, history: History) -> None:
        """Unless it is older than what is kept."""
        before = self._kept.pop(history.order_id, history)
        if history.order is None or history.order.ended:
            return
        self._kept[history.order_id] = max(before, history, key=lambda one: one.version)
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    def of(self, order_ids: Iterable[UUID]) -> dict[UUID, History]:
        """Those of ``order_ids`` that are kept."""
        return {order_id: self._kept[order_id] for order_id in order_ids if order_id in self._kept}
