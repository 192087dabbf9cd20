"""Orders that this process has read or written, so that it reads from the log only the events it doesn't have yet.

The log never changes what it holds, so a kept order is right as of its version; whoever decides on an order loads the
events after that version. A log restored to an earlier moment is noticed: its next event has another predecessor.
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

    def keep(self, loaded: LoadedOrder) -> None:
        """Keep ``loaded``, unless it is older than what is kept already."""
        before = self._kept.pop(loaded.order_id, loaded)
        order = loaded.order
        if order is None or order.ended or any(attempt.end == "expired" for attempt in order.attempts):
            return
        self._kept[loaded.order_id] = max(before, loaded, key=lambda kept: kept.version)
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    def forget(self, order_id: UUID) -> None:
        self._kept.pop(order_id, None)

    def of(self, order_ids: Iterable[UUID]) -> dict[UUID, LoadedOrder]:
        """Those of ``order_ids`` that are kept."""
        return {order_id: self._kept[order_id] for order_id in order_ids if order_id in self._kept}
