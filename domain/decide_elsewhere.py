"""What follows for an order where the chain shows a success of it that this log did not sign.

Its guard is taken, so nothing that this log signs for it can succeed any more: the order ends as the chain has it.
Where the guard was closed since, only its end keeps a second success away.
"""

from __future__ import annotations

from domain import commands as c
from domain import events as e
from domain.codes import Code, meaning
from domain.decide_end import end_cancelled
from domain.errors import DomainError, LandedAfterEndError, NotApplicableError
from domain.evidence import ExpiryEvidence
from domain.log_behind import ForeignTransactionFound
from domain.misquoted import may_be_widened, widened
from domain.numbers import total
from domain.order import Cancellation, Order

CLOSED_ELSEWHERE = (
    "A transaction under the order's guard succeeded outside of this log, and the guard was closed since; no endpoint "
    "shows which it was."
)


def record_elsewhere(order: Order, command: c.RecordElsewhere) -> list[e.OrderEvent]:
    """Confirmed where it is the order's swap, within its terms, cancelled where it is a cancel; else failed, with what
    was executed named.

    This log's own live attempts stay live: each is rejected by the chain, or expires because the guard is taken.
    """
    found = command.found
    if found.failed:
        raise NotApplicableError("A transaction that failed on the chain changed nothing.")
    if order.guard_taken_by == found.signature:
        raise NotApplicableError("That it was executed is already recorded.")
    if any(attempt.signature == found.signature for attempt in order.attempts):
        raise DomainError("own_attempt", "The log has signed that transaction; the tracker finds out about it.")
    if order.was_closed_elsewhere:
        raise NotApplicableError("That a transaction under its guard succeeded is already recorded.")
    only_cancels = found.purpose == "cancel" and not (found.paid or found.received)
    if order.ended and only_cancels and order.fill is None:
        raise NotApplicableError("The order had ended without a swap, which the cancel agrees with.")
    if order.ended:
        raise LandedAfterEndError(
            "second_success" if order.fill else "landed_after_end",
            f"A transaction that this log did not sign succeeded in slot {found.slot}; the order had ended otherwise.",
        )
    if only_cancels:
        return _cancelled(order, found)
    if found.purpose == "cancel" or order.paper or not _is_within(order, found):
        code = Code.EXECUTED_ELSEWHERE
        return [e.OrderFailed(code=code, detail=meaning(code).sentence, retryable=False, tx_hash=found.signature)]
    return [_confirmed(order, found)]


def record_closed_elsewhere(order: Order, command: c.RecordClosedElsewhere) -> list[e.OrderEvent]:
    """Failed, for good: by which transaction its guard was made no endpoint shows any more."""
    if order.ended:
        raise NotApplicableError("The order has ended.")
    if missing := closed_gap(order, command.evidence):
        raise DomainError("evidence_incomplete", f"One of the order's own transactions may have succeeded: {missing}.")
    code = Code.EXECUTED_ELSEWHERE
    return [e.OrderFailed(code=code, detail=CLOSED_ELSEWHERE, retryable=False)]


def closed_gap(order: Order, evidence: ExpiryEvidence | None) -> str | None:
    """What is missing to say of an order whose guard was closed elsewhere that none of its own transactions made that;
    None where nothing is.
    """
    if not order.undecided_attempts:
        return None
    if evidence is None:
        return "nobody was asked"
    if not evidence.is_complete:
        return f"{evidence.endpoints[0].endpoint} alone says that none has"
    gaps = (
        evidence.gap(genesis_hash=one.genesis_hash, signature=one.signature, lands_until=one.lands_until)
        for one in order.undecided_attempts
    )
    return next((gap for gap in gaps if gap), None)


def _is_within(order: Order, found: ForeignTransactionFound) -> bool:
    """Whether what it moved is what the order asks for: the whole amount in, for no less than its minimum; or the whole
    amount out, for no more than its maximum, as far as that is known. The log's lost end may have widened the bounds of
    a market order.
    """
    minimum, maximum = order.minimum_out, order.maximum_in
    if may_be_widened(order):
        minimum, maximum = widened(order)
    if {*found.paid} != {order.token_in.mint} or {*found.received} != {order.token_out.mint}:
        return False
    paid, received = found.paid[order.token_in.mint], found.received[order.token_out.mint]
    if order.amount_out is not None:
        return received == order.amount_out and (maximum is None or paid <= maximum)
    return paid == order.amount_in and received >= (minimum or 1)


def _confirmed(order: Order, found: ForeignTransactionFound) -> e.OrderConfirmed:
    amount_in, amount_out = found.paid[order.token_in.mint], found.received[order.token_out.mint]
    return e.OrderConfirmed(
        attempt=found.attempt,
        tx_hash=found.signature,
        slot=found.slot,
        commitment="finalized",
        venue=None,
        amount_in=amount_in,
        amount_out=amount_out,
        executed_price=order.price_of(amount_in, amount_out),
        network_fee_lamports=total(found.fee_lamports, order.fees_lost_lamports),
        venue_fee=None,
        venue_fee_token=None,
        guard_rent_lamports=found.guard_rent_lamports,
        tip_lamports=found.tip_lamports,
    )


def _cancelled(order: Order, found: ForeignTransactionFound) -> list[e.OrderEvent]:
    """As this log was asked to, or as another was: why that was isn't on the chain."""
    requested = [] if order.cancellation else [e.CancelRequested(code=Code.CANCELLED)]
    cancellation = order.cancellation or Cancellation(code=Code.CANCELLED)
    evidence = e.CancelEvidence(
        attempt=found.attempt,
        signature=found.signature,
        slot=found.slot,
        network_fee_lamports=total(found.fee_lamports, order.fees_lost_lamports),
        guard_rent_lamports=found.guard_rent_lamports,
    )
    return [*requested, end_cancelled(order, cancellation, evidence)]
