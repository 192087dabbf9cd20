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
    """The latest ``most`` orders that are open, and as many that have ended: their outcomes are still followed.

    Without those one of whose attempts has expired: the evidence of it, every block of its life, is most of a history.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # By the numbers that their ids are: an id itself is hashed in Python, and each is looked up a dozen times.
        self._open: dict[int, LoadedOrder] = {}
        self._ended: dict[int, LoadedOrder] = {}

    @property
    def keeps_any(self) -> bool:
        return self._most > 0

    def keep(self, loaded: LoadedOrder) -> None:
        """Unless it is older than what is kept."""
        order_id = loaded.order_id.int
        before = self._open.pop(order_id, None) or self._ended.pop(order_id, None)
        latest = before if before and before.version > loaded.version else loaded
        order = latest.order
        if order is None or "expired" in [attempt.end for attempt in order.attempts]:
            return
        kept = self._ended if order.ended else self._open
        kept[order_id] = latest
        if len(kept) > self._most:
            del kept[next(iter(kept))]

    def forget(self, order_id: UUID) -> None:
        self._open.pop(order_id.int, None)
        self._ended.pop(order_id.int, None)

    def get(self, order_id: UUID) -> LoadedOrder | None:
        return self._open.get(order_id.int) or self._ended.get(order_id.int)

    def of(self, order_ids: Iterable[UUID]) -> dict[UUID, LoadedOrder]:
        """Those of ``order_ids`` that are kept."""
        kept = ((order_id, self.get(order_id)) for order_id in order_ids)
        return {order_id: loaded for order_id, loaded in kept if loaded is not None}
