"""What an order's change means for the other orders of its list: it is recorded in the same append as that change.

So there is no moment at which one order of an OCO is filled, or its cancel is asked for, and the other one goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from domain import commands as c
from domain.codes import Code
from domain.decide import decide
from domain.events import OrderEvent
from domain.evolve import fold
from domain.order import Order


def concerns_others(before: Order | None, after: Order | None) -> bool:
    """Whether what happened to an order may mean something for the others of its list."""
    if after is None or after.leg is None:
        return False
    if before is None:
        return after.ended
    ends = after.ended and before.status != after.status
    ends |= after.lets_others_begin and not before.lets_others_begin
    return ends or (after.cancellation is not None and before.cancellation is None)


def consequences(orders: Mapping[UUID, Order], changed: UUID, now: datetime) -> dict[UUID, list[OrderEvent]]:
    """The events that follow for the other ``orders`` of a list from how ``changed`` is now, by order."""
    known, decided, waiting = dict(orders), dict[UUID, list[OrderEvent]](), [changed]
    while waiting:
        order = known[waiting.pop()]
        for other_id, other in list(known.items()):
            if other is order or (command := _meaning(order, other, now)) is None:
                continue
            events = decide(other, command)
            decided.setdefault(other_id, []).extend(events)
            known[other_id] = fold(events, other) or other
            waiting.append(other_id)
    return decided


def _meaning(
    order: Order, other: Order, now: datetime
) -> c.RequestCancel | c.ReleaseOrder | c.RecordClosedElsewhere | None:
    """What ``order``, as it is, asks of another one of its list; None where nothing is to be done."""
    if order.leg is None or other.leg is None or other.ended:
        return None
    is_taker_known = order.guard_taken_by is not None
    if other.cancellation:
        shares = order.leg.is_exclusive and other.leg.is_exclusive
        waited = shares and is_taker_known and other.is_taken_elsewhere
        return c.RequestCancel(is_taker_known=True) if waited else None
    if order.was_closed_elsewhere:
        # It may have been filled, or the other one that shares its guard.
        shares = order.leg.is_exclusive and other.leg.is_exclusive
        return c.RecordClosedElsewhere() if shares and not other.undecided_attempts else None
    is_filled, by = order.status == "confirmed", order.cancellation.by if order.cancellation else None
    because = order.cancellation.because if order.cancellation else None
    if order.leg.is_exclusive and other.leg.is_exclusive:
        if is_filled:
            return c.RequestCancel(Code.OTHER_LEG_FILLED, is_taker_known=is_taker_known)
        asked = c.RequestCancel(Code.OTHER_LEG_ENDED, by, because, is_taker_known)
        return asked if order.ended or order.cancellation else None
    if not other.leg.follows_first or order.leg.number != 1:
        return None
    if is_filled:
        return c.ReleaseOrder(now) if other.is_held and order.lets_others_begin else None
    if order.was_executed_elsewhere:
        # It was filled by other terms, or may have been, and what follows it executed: that waits for who knows more.
        return None
    return c.RequestCancel(Code.FIRST_LEG_NOT_FILLED, by, because) if order.ended else None
