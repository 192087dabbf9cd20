"""What execution does next for an order, as far as its state says."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from domain.codes import Code
from domain.decide_built import MOST_LIVE, is_replaceable, live
from domain.decide_cancel import needs_cancel
from domain.order import Order

Step = Literal["request_cancel", "cancel", "send", "replace", "route"]
"""Ask for the order's cancel, as its time is over; sign a cancel; send the newest attempt for the first time; let
another swap join those that nobody sees; route and build.
"""


def next_step(order: Order, now: datetime) -> Step | None:
    """None where there is nothing to do but to follow what was sent, or to wait for a price."""
    if order.ended:
        return None
    if needs_cancel(order, now):
        return "request_cancel"
    newest = order.live_attempt
    if order.cancellation:
        if order.cancellation.code == Code.OTHER_LEG_FILLED:
            return None  # The other order's swap has taken the guard: a cancel could take it from that by a fork.
        cancels = live(order, "cancel")
        if cancels and not cancels[-1].submitted:
            return "send"
        return "cancel" if len(cancels) < MOST_LIVE else None
    if newest is None:
        return "route" if order.status in ("routing", "building") else None
    if not newest.submitted:
        return "send"
    return "replace" if is_replaceable(order, now) else None
