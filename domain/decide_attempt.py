"""What became of what was signed for an order: not even built, sent, landed or expired.

An attempt is live from ``TransactionBuilt`` until the chain's proof of its end: ``record_expiry`` ends one by proof
alone.
"""

from __future__ import annotations

from domain import commands as c
from domain import events as e
from domain.account import Contradiction
from domain.codes import Code
from domain.decide_cancel import end_by_cancel
from domain.decide_end import fail_or_rest, require_status
from domain.errors import DomainError, LandedAfterEndError, NotApplicableError
from domain.evidence import ExpiryEvidence, GuardTaken, Landing
from domain.evolve import evolve
from domain.misquoted import is_shown_false, without_the_venue
from domain.numbers import total
from domain.order import Attempt, Order
from domain.time_in_force import past_deadline


def reject_build(order: Order, command: c.RejectBuild) -> list[e.OrderEvent]:
    """Nothing was signed: the order is routed again, or ends."""
    require_status(order, "building")
    is_false = is_shown_false(order, command.code, simulated=command.simulated)
    minimum, maximum = without_the_venue(order, command.others) if is_false else (None, None)
    rejected = e.BuildRejected(
        code=command.code, detail=command.detail, logs=command.logs, minimum_out=minimum, maximum_in=maximum
    )
    return [rejected, *fail_or_rest(evolve(order, rejected), command.code, command.now)]


def record_sent(order: Order, command: c.RecordSent) -> list[e.OrderEvent]:
    """The first send of a live attempt, once."""
    attempt = attempt_of(order, command.attempt, command.signature)
    if attempt.submitted or attempt.end is not None or order.ended:
        raise NotApplicableError(f"The first send of attempt {attempt.number} is already recorded.")
    return [_submitted(attempt, command.answer)]


def record_landing(order: Order, command: c.RecordLanding) -> list[e.OrderEvent]:
    """The attempt is on chain: a success confirms the order, an error counts once it is finalized.

    What an attempt cost that failed is recorded also after the order's end; only a success contradicts that.
    """
    landing = command.landing
    attempt = attempt_of(order, command.attempt, landing.signature)
    if attempt.end in ("confirmed", "cancelled") or (attempt.end == "rejected" and landing.error):
        raise NotApplicableError(f"The landing of attempt {attempt.number} is already recorded.")
    if landing.error and landing.commitment != "finalized":
        raise NotApplicableError("An error that isn't finalized can be undone by a fork.")
    if order.ended and landing.error is None:
        kind: Contradiction = "second_success" if order.status == "confirmed" else "landed_after_end"
        raise LandedAfterEndError(
            kind, f"Attempt {attempt.number} landed in slot {landing.slot} after the order's end was recorded."
        )
    # A landing may be learned before anyone recorded the send: the story still tells both, in order.
    sent = (
        []
        if attempt.submitted or attempt.end or order.ended
        else [_submitted(attempt, "not recorded; the transaction landed")]
    )
    if landing.error is None:
        is_swap = attempt.purpose == "swap"
        if is_swap:
            return [*sent, confirmed(order, attempt, landing, because=command.because)]
        return [*sent, end_by_cancel(order, attempt, landing)]
    rejected = e.AttemptRejected(
        attempt=attempt.number,
        signature=attempt.signature,
        slot=landing.slot,
        code=landing.error.code,
        detail=landing.error.detail,
        logs=landing.error.logs,
        fee_lamports=landing.fee_lamports,
        evidence=command.evidence,
    )
    after = evolve(order, rejected)
    if after.ended:
        return [*sent, rejected]
    return [*sent, rejected, *fail_or_rest(after, landing.error.code, command.now)]


def record_expiry(order: Order, command: c.RecordExpiry) -> list[e.OrderEvent]:
    """The attempt can never land, if the evidence proves it; of an ended one only what proves more than was known.

    One endpoint of two lets the order go on, which past its deadline it can't.
    """
    attempt = order.attempt(command.attempt)
    if isinstance(command.evidence, GuardTaken):
        return [_lost(order, attempt, command.evidence)]
    if attempt is None or order.ended or attempt not in (*order.live_attempts, order.unproven_attempt):
        raise NotApplicableError(f"Attempt {command.attempt} is neither live nor unproven.")
    if isinstance(command.evidence, ExpiryEvidence):
        gap = command.evidence.gap(
            genesis_hash=attempt.genesis_hash, signature=attempt.signature, lands_until=attempt.lands_until
        )
        # Past its deadline an order gets no other swap; what is to be cancelled gets another cancel.
        goes_on = attempt.end is None and (order.cancellation or not past_deadline(order, command.now))
        if not gap and not command.evidence.is_complete and not goes_on:
            gap = f"{command.evidence.endpoints[0].endpoint} alone says so"
        if gap:
            raise DomainError("evidence_incomplete", f"That is no proof of expiry: {gap}.")
    expired = e.AttemptExpired(attempt=attempt.number, signature=attempt.signature, evidence=command.evidence)
    return [expired, *fail_or_rest(evolve(order, expired), Code.TRANSACTION_EXPIRED, command.now)]


def _lost(order: Order, attempt: Attempt | None, evidence: GuardTaken) -> e.AttemptExpired:
    """The end of an attempt that another one was faster than."""
    taker = order.guard_taken_by
    unproven = attempt is not None and attempt.end == "expired" and not attempt.proven
    is_open = attempt is not None and (attempt.end is None or (unproven and evidence.is_complete))
    if attempt is None or not is_open or taker is None:
        raise NotApplicableError("The attempt isn't one that lost.")
    if evidence.taken_by != taker or attempt.guard is None or attempt.guard != order.guard:
        raise DomainError("evidence_incomplete", "That isn't the transaction that took the order's guard.")
    return e.AttemptExpired(attempt=attempt.number, signature=attempt.signature, evidence=evidence)


def attempt_of(order: Order, number: int, signature: str) -> Attempt:
    """Attempt ``number``, which has that ``signature``."""
    attempt = order.attempt(number)
    if attempt is None or attempt.signature != signature:
        raise DomainError("unknown_attempt", f"The order has no attempt {number} with that signature.")
    return attempt


def _submitted(attempt: Attempt, answer: str) -> e.TransactionSubmitted:
    return e.TransactionSubmitted(attempt=attempt.number, signature=attempt.signature, answer=answer)


def confirmed(order: Order, attempt: Attempt, landing: Landing, *, because: str | None = None) -> e.OrderConfirmed:
    """What ``landing``, a success of the swap ``attempt``, says of the order; an operator's word where ``because``."""
    quote = attempt.quote
    if quote is None:
        raise DomainError("no_swap", f"Attempt {attempt.number} is no swap.")
    if not (landing.amount_in and landing.amount_out):
        raise DomainError("amounts_missing", "The transaction succeeded, yet its balances show no swap.")
    if landing.amount_in > order.amount_of(attempt) or landing.amount_out < attempt.minimum_out:
        raise DomainError("amounts_out_of_bounds", "The amounts are outside of what the transaction was signed for.")
    # Of an order that names its amount out, less may be paid than was quoted, or more.
    venue_fee = quote.fee_of(landing.amount_in)
    is_followed = order.leg is not None and order.leg.is_followed
    return e.OrderConfirmed(
        attempt=attempt.number,
        tx_hash=landing.signature,
        slot=landing.slot,
        commitment=landing.commitment,
        venue=quote.venue,
        amount_in=landing.amount_in,
        amount_out=landing.amount_out,
        executed_price=order.price_of(landing.amount_in, landing.amount_out),
        network_fee_lamports=total(landing.fee_lamports, order.fees_lost_beside(attempt)),
        venue_fee=venue_fee,
        venue_fee_token=None if venue_fee is None else quote.fee_token,
        guard_rent_lamports=landing.guard_rent_lamports,
        because=because,
        tip_lamports=attempt.tip_lamports,
        account_rent_lamports=landing.account_rent_lamports,
        shown_alone=is_followed and because is None and not landing.is_enough,
    )
