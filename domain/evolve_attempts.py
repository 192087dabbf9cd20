"""What an order's events change of its attempts."""

from __future__ import annotations

from typing import TypedDict

from domain import events as e
from domain.codes import Code
from domain.evidence import ExpiryEvidence, GuardTaken
from domain.numbers import BaseUnits
from domain.order import Attempt, AttemptEnd, IfSet, Order
from domain.quotes import Quote


class AttemptChange(TypedDict, total=False):
    """The fields of an ``Attempt`` that events change."""

    submitted: bool
    end: AttemptEnd | None
    proven: IfSet[bool]
    amount_in: IfSet[BaseUnits | None]
    fee_lost_lamports: IfSet[BaseUnits]


def attempt_of(event: e.TransactionBuilt, quote: Quote | None) -> Attempt:
    """The attempt that ``event`` begins; ``quote`` is what a swap was routed to."""
    return Attempt(
        number=event.attempt,
        quote=quote,
        signature=event.signature,
        wallet=event.wallet,
        genesis_hash=event.genesis_hash,
        blockhash=event.blockhash,
        blockhash_slot=event.blockhash_slot,
        last_valid_block_height=event.last_valid_block_height,
        minimum_out=event.minimum_out,
        guard=event.guard,
        height=event.height,
        purpose=event.purpose,
        compute_unit_price=event.compute_unit_price,
        priority_fee_lamports=event.priority_fee_lamports,
        tip_lamports=event.tip_lamports,
        amount_in=event.maximum_in,
    )


def with_rejection(attempts: tuple[Attempt, ...], event: e.AttemptRejected) -> tuple[Attempt, ...]:
    if event.code == Code.GUARD_TAKEN:
        attempts = in_question(attempts)
    attempts = with_change(attempts, event.attempt, {"end": "rejected", "fee_lost_lamports": event.fee_lamports})
    return with_proof(attempts, event.evidence) if event.evidence else attempts


def with_expiry(attempts: tuple[Attempt, ...], event: e.AttemptExpired) -> tuple[Attempt, ...]:
    known = next((attempt for attempt in attempts if attempt.number == event.attempt), None)
    end: AttemptEnd = known.end if known and known.end else "expired"
    attempts = with_change(attempts, event.attempt, {"end": end})
    if isinstance(event.evidence, ExpiryEvidence):
        return with_proof(attempts, event.evidence)
    if known and known.guard:
        # An endpoint that has let go of its history, beside one that hides a failure, shows no fee that it cost.
        is_complete = not isinstance(event.evidence, GuardTaken) or event.evidence.is_complete
        return with_change(attempts, event.attempt, {"proven": is_complete})
    return attempts


def was_swap(order: Order, number: int) -> bool:
    attempt = order.attempt(number)
    return attempt is None or attempt.purpose == "swap"


def with_end(order: Order, number: int, signature: str, end: AttemptEnd) -> tuple[Attempt, ...]:
    """The order's attempts once the transaction ``signature`` has ended the order. Where another log signed that, the
    attempt of its number here is another transaction, if there is one.
    """
    attempt = order.attempt(number)
    is_own = attempt is not None and attempt.signature == signature
    return with_change(order.attempts, number, {"end": end}) if is_own else order.attempts


def with_change(attempts: tuple[Attempt, ...], number: int, change: AttemptChange) -> tuple[Attempt, ...]:
    return tuple(attempt.model_copy(update=change) if attempt.number == number else attempt for attempt in attempts)


def in_question(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """The guard is there, so one of them succeeded, whatever was shown before."""
    return tuple(attempt.model_copy(update={"proven": False}) if attempt.proven else attempt for attempt in attempts)


def with_proof(attempts: tuple[Attempt, ...], evidence: ExpiryEvidence) -> tuple[Attempt, ...]:
    """``attempts``, each that has ended proven where ``evidence`` is proof of it: they share the guard."""

    def is_proof(attempt: Attempt) -> bool:
        if attempt.guard is None or attempt.end is None or not evidence.is_complete:
            return False
        genesis_hash, until = attempt.genesis_hash, attempt.lands_until
        signature = attempt.signature
        return evidence.gap(genesis_hash=genesis_hash, signature=signature, lands_until=until, recorded=True) is None

    return tuple(one.model_copy(update={"proven": True}) if is_proof(one) else one for one in attempts)
