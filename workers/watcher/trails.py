"""Trailing stops in memory: each order's best touch, to the last observation, and which of them are to be recorded.

The best touch is exact here, and goes into the log beside what it triggers. Before that it is recorded so that the next
process knows it: at once, but of one order not more often than ``RECORD_EVERY_S``, and of ``MOST_AT_ONCE`` orders by
one observation, those that have waited longest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from domain.events import Observation
from domain.tokens import Side
from domain.trailing import is_better, trail_met
from workers.watcher.waiting_order import WaitingOrder

RECORD_EVERY_S = 1.25
MOST_AT_ONCE = 10


@dataclass(slots=True)
class _Trail:
    """``unrecorded`` is the observation of ``best`` where the log doesn't have it; ``asked_at`` is by the monotonic
    clock.
    """

    order: WaitingOrder
    best: Decimal | None
    unrecorded: Observation | None = None
    asked_at: float = float("-inf")


class Trails:
    """The trailing stops of a book, by pair and side. Not thread-safe: the book's loop owns it."""

    def __init__(self) -> None:
        self._trails: dict[tuple[str, Side], dict[UUID, _Trail]] = {}

    def put(self, order: WaitingOrder, known: _Trail | None) -> None:
        """Add ``order``; ``known`` is what ``take`` gave of an older version: what it saw isn't lost."""
        trail = _Trail(order, order.best_touch)
        if known is not None:
            trail.asked_at = known.asked_at
            if known.unrecorded and is_better(order.side, known.unrecorded.touch, order.best_touch):
                trail.best, trail.unrecorded = known.unrecorded.touch, known.unrecorded
        self._trails.setdefault((order.pair.symbol, order.side), {})[order.order_id] = trail

    def take(self, order: WaitingOrder) -> _Trail | None:
        return self._trails.get((order.pair.symbol, order.side), {}).pop(order.order_id, None)

    def best_of(self, order: WaitingOrder) -> Observation | None:
        """The best touch's observation, where the log doesn't have it."""
        trail = self._trails.get((order.pair.symbol, order.side), {}).get(order.order_id)
        return trail.unrecorded if trail else None

    def unrecorded(self) -> dict[UUID, Observation]:
        """The best touches that the log doesn't have, by order."""
        return {
            order_id: trail.unrecorded
            for trails in self._trails.values()
            for order_id, trail in trails.items()
            if trail.unrecorded is not None
        }

    def observe(
        self, pair: str, side: Side, seen: Callable[[], Observation], touch: Decimal, now: float
    ) -> tuple[list[WaitingOrder], list[WaitingOrder]]:
        """The orders that ``touch`` triggers, the older first, and those whose best touch is to be recorded. One may be
        both: where it is held, the log has at least its best touch.
        """
        triggered: list[WaitingOrder] = []
        to_record: list[_Trail] = []
        observation: Observation | None = None
        for trail in self._trails.get((pair, side), {}).values():
            if trail.best is None or is_better(side, touch, trail.best):
                observation = observation or seen()
                trail.best, trail.unrecorded = touch, observation
            if trail_met(side, touch, trail.best, trail.order.trail_bps or 0):
                triggered.append(trail.order)
            if trail.unrecorded is not None and now - trail.asked_at >= RECORD_EVERY_S:
                to_record.append(trail)
        to_record.sort(key=lambda trail: trail.asked_at)
        for trail in to_record[:MOST_AT_ONCE]:
            trail.asked_at = now
        triggered.sort(key=lambda order: order.position)
        return triggered, [trail.order for trail in to_record[:MOST_AT_ONCE]]
