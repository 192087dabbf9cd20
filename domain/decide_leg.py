"""What the other orders of its list mean for an order: it begins, it is cancelled, or one of them took their guard."""

from __future__ import annotations

from domain import commands as c
from domain import events as e
from domain.codes import Code, meaning
from domain.errors import DomainError, LandedAfterEndError, NotApplicableError
from domain.evidence import GuardTaken
from domain.order import Fill, Order
from domain.time_in_force import is_expired
from domain.triggers import TRIGGERED_FOR


def release(order: Order, command: c.ReleaseOrder) -> list[e.OrderEvent]:
    """The first order of its list is filled: this one begins, unless its time is over by now."""
    if not order.is_held or order.ended or order.cancellation:
        raise NotApplicableError("The order is not held.")
    if is_expired(order, command.now):
        detail = meaning(Code.EXPIRED).sentence
        return [e.CancelRequested(code=Code.EXPIRED), e.OrderCancelled(code=Code.EXPIRED, detail=detail)]
    if not order.starts_at_once:
        return [e.OrderReleased()]
    triggered = e.OrderTriggered(reason="market" if order.type == "market" else "immediate")
    return [e.OrderReleased(deadline=command.now + TRIGGERED_FOR), triggered]


def end_by_other_leg(order: Order, command: c.RecordOtherLeg) -> list[e.OrderEvent]:
    """The order's end where another one that shares its guard took that, finalized: none of its own ever succeeds.

    One that was confirmed by what a fork has undone is restated first.
    """
    taken = command.taken
    if order.leg is None or not order.leg.is_exclusive:
        raise DomainError("not_exclusive", "The order shares its guard with no other.")
    if any(attempt.signature == taken.taken_by for attempt in order.attempts):
        raise DomainError("own_attempt", "That transaction is the order's own.")
    if not taken.is_complete:
        raise DomainError("evidence_incomplete", f"{', '.join(taken.shown_by)} alone shows it.")
    if order.ended and order.fill is None:
        raise NotApplicableError(f"The order is {order.status}.")
    if order.fill is None:
        return _cancelled(order, taken)
    if order.is_settled:
        detail = f"{taken.taken_by} took the guard in slot {taken.slot}, and the order's own swap is final already."
        raise LandedAfterEndError("second_success", detail)
    return [_restated(order, order.fill, taken), *_cancelled(order, taken)]


def _cancelled(order: Order, taken: GuardTaken) -> list[e.OrderEvent]:
    asked = order.cancellation
    code = Code(asked.code) if asked and asked.code != Code.DEADLINE_PASSED else Code.OTHER_LEG_FILLED
    requested = [] if asked else [e.CancelRequested(code=code)]
    return [*requested, e.OrderCancelled(code=code, detail=meaning(code).sentence, taken=taken)]


def _restated(order: Order, fill: Fill, taken: GuardTaken) -> e.OrderRestated:
    """No attempt of the order is named: none of them succeeded."""
    return e.OrderRestated(
        reason="other_leg",
        instead_of=fill.tx_hash,
        attempt=0,
        tx_hash=taken.taken_by,
        slot=taken.slot,
        commitment="finalized",
        network_fee_lamports=order.fees_lost_lamports,
    )
