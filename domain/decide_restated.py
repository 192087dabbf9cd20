"""What a confirmed order is said to be once no fork can undo it: mostly what it was, else it is restated.

A swap counts as confirmed before it is final. Until then a fork may put it into another slot, give it other amounts, or
let another transaction of the order land in its place: another swap, or the order's cancel.
"""

from __future__ import annotations

from domain import commands as c
from domain import events as e
from domain.decide_attempt import attempt_of, confirmed
from domain.decide_cancel import end_by_cancel
from domain.errors import DomainError, LandedAfterEndError, NotApplicableError
from domain.evidence import Landing
from domain.evolve import evolve
from domain.numbers import total
from domain.order import Attempt, Fill, Order


def restate(order: Order, command: c.RestateOutcome) -> list[e.OrderEvent]:
    """The order as the chain has it, where that isn't what was confirmed.

    ``landing`` is the one success under the order's guard, finalized. After a success that was settled itself another
    one is a contradiction. Where the order's cancel landed, its end follows: it was never executed.
    """
    landing = command.landing
    attempt = attempt_of(order, command.attempt, landing.signature)
    if order.status != "confirmed" or order.fill is None:
        raise NotApplicableError(f"The order is {order.status}, not confirmed.")
    if landing.error or landing.commitment != "finalized" or not landing.is_enough:
        raise DomainError("evidence_incomplete", "That isn't a success that enough endpoints show to be final.")
    if order.is_settled and attempt.end != "confirmed":
        detail = f"Attempt {attempt.number} landed in slot {landing.slot}, and another one is final already."
        raise LandedAfterEndError("second_success", detail)
    if attempt.purpose == "cancel":
        return _cancelled(order, order.fill, attempt, landing)
    if _is_as_confirmed(order, order.fill, attempt, landing):
        raise NotApplicableError("The order is as it was confirmed.")
    now = confirmed(order, attempt, landing)
    reason = _difference(order.fill, now)
    if reason is None:
        raise NotApplicableError("The order is as it was confirmed.")
    return [
        e.OrderRestated(
            reason=reason,
            instead_of=order.fill.tx_hash,
            **{name: value for name, value in vars(now).items() if name in e.OrderRestated.model_fields},
        )
    ]


def _is_as_confirmed(order: Order, fill: Fill, attempt: Attempt, landing: Landing) -> bool:
    """Whether the chain shows again what the order was confirmed by. Nearly every order is: no event is made for it.

    What an operator said was never held against what was signed.
    """
    said = (fill.tx_hash, fill.slot, fill.amount_in, fill.amount_out)
    costs = (fill.network_fee_lamports, fill.guard_rent_lamports)
    return (
        not fill.by_operator
        and said == (landing.signature, landing.slot, landing.amount_in, landing.amount_out)
        and costs == (total(landing.fee_lamports, order.fees_lost_beside(attempt)), landing.guard_rent_lamports)
    )


def _difference(fill: Fill, now: e.OrderConfirmed) -> e.RestatedFor | None:
    """What the order says otherwise now, the weightiest thing first."""
    if now.tx_hash != fill.tx_hash:
        return "another_attempt"
    if (now.amount_in, now.amount_out) != (fill.amount_in, fill.amount_out):
        return "other_amounts"
    if now.slot != fill.slot:
        return "other_slot"
    costs = (now.network_fee_lamports, now.guard_rent_lamports)
    return None if costs == (fill.network_fee_lamports, fill.guard_rent_lamports) else "other_fees"


def _cancelled(order: Order, fill: Fill, cancel: Attempt, landing: Landing) -> list[e.OrderEvent]:
    restated = e.OrderRestated(
        reason="cancel",
        instead_of=fill.tx_hash,
        attempt=cancel.number,
        tx_hash=landing.signature,
        slot=landing.slot,
        commitment=landing.commitment,
        network_fee_lamports=total(landing.fee_lamports, order.fees_lost_beside(cancel)),
        guard_rent_lamports=landing.guard_rent_lamports,
    )
    return [restated, end_by_cancel(evolve(order, restated), cancel, landing)]
