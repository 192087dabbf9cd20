"""Which orders on their way need a visit: a transaction nobody sees is joined by another, an order whose time is over
is cancelled. The tracker only says so; the visit decides, by the log and the chain.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from workers.tracker.tracked_attempt import TrackedAttempt

AGAIN_S = 1.0
"""For so long a visit is waited for before it is asked for again."""


class VisitRequests:
    """``hand_over`` takes the orders' ids. ``replace_after`` in seconds, ``clock`` gives the time, UTC."""

    def __init__(
        self,
        hand_over: Callable[[Sequence[UUID]], None],
        *,
        replace_after: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._hand_over = hand_over
        self._replace_after = replace_after
        self._clock = clock

    def request(self, orders: Sequence[Sequence[TrackedAttempt]]) -> None:
        """Hand over those of ``orders``, each the attempts of one, that a visit can do something for."""
        now, today = time.monotonic(), self._clock()
        wanted: list[UUID] = []
        for attempts in orders:
            newest = attempts[-1]
            if newest.schedule.is_visit_due(now) and self._is_wanted(attempts, now, today):
                newest.schedule.visited(now, AGAIN_S)
                wanted.append(newest.order_id)
        if wanted:
            self._hand_over(wanted)

    def _is_wanted(self, attempts: Sequence[TrackedAttempt], now: float, today: datetime) -> bool:
        newest = attempts[-1]
        if newest.order_ended or newest.other_leg_filled:
            return False
        if newest.to_cancel and not newest.joins:
            return True
        if is_seen(attempts):
            return False
        if newest.ends_at is not None and today >= newest.ends_at:
            return True
        waits = self._replace_after * 2 ** (newest.joins - 1)
        return newest.joins > 0 and now - newest.schedule.tracked_since >= waits


def is_seen(attempts: Sequence[TrackedAttempt]) -> bool:
    """Whether the chain shows any of an order's attempts: then nothing is sent for it."""
    return any(attempt.schedule.seen for attempt in attempts)
