"""Orders as this process knows them, kept up to date by its feed of the log: it reads only what it doesn't know.

What is in the log never changes, so what is kept is the beginning of what there is. Whoever decides on it appends at
its version, and the log refuses where that isn't the last one. A log that was put back to an earlier moment is noticed:
its next event follows another.
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

    @property
    def keeps_any(self) -> bool:
        return self._most > 0

    def keep(self, loaded: LoadedOrder) -> None:
        """Unless it is older than what is kept."""
        before = self._kept.pop(loaded.order_id, loaded)
        order = loaded.order
        if order is None or order.ended or any(attempt.end == "expired" for attempt in order.attempts):
            return
        self._kept[loaded.order_id] = before if before.version > loaded.version else loaded
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    def forget(self, order_id: UUID) -> None:
        self._kept.pop(order_id, None)

    def get(self, order_id: UUID) -> LoadedOrder | None:
        return self._kept.get(order_id)

    def of(self, order_ids: Iterable[UUID]) -> dict[UUID, LoadedOrder]:
        """Those of ``order_ids`` that are kept."""
        return {order_id: self._kept[order_id] for order_id in order_ids if order_id in self._kept}
