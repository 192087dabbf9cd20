"""When an order fails or rests: never while an attempt is live, because that one may still land, nor before enough
endpoints have shown that none of its attempts ever succeeds.
"""

from __future__ import annotations

from datetime import datetime

from domain import commands as c
from domain import events as e
from domain.codes import Code, meaning
from domain.errors import DomainError, NotApplicableError
from domain.order import Cancellation, Order
from domain.quotes import Quote, Refusal
from domain.time_in_force import cancelled_by_terms, past_deadline
from domain.triggers import MOST_REJECTIONS, rest_until


def give_up(order: Order, command: c.GiveUp) -> list[e.OrderEvent]:
    """The world could not be asked: an order that is being executed ends or rests if its time is over.

    One that waits for a price is left to it: there is nothing to give up, and a second rest would double its wait.
    """
    if order.status not in ("routing", "building") or order.live_attempt:
        raise NotApplicableError(f"The order is {order.status}, not being executed without a live attempt.")
    return fail_or_rest(order, command.code, command.now)


def discard(order: Order, command: c.DiscardOrder) -> list[e.OrderEvent]:
    """An operator ends an order that has no live attempt. Where the chain shows its guard, and no order that shares it
    may be why, that is what it fails by: some endpoints never show again what made it.
    """
    if order.live_attempt:
        raise DomainError("live_attempt", f"Attempt {order.live_attempt.number} may still land; it is followed on.")
    if order.ended:
        raise NotApplicableError(f"The order is {order.status}.")
    if order.unproven_attempt:
        raise DomainError(
            "unproven_attempt", f"That attempt {order.unproven_attempt.number} never succeeds is not proven yet."
        )
    if order.is_taken_elsewhere:
        shares = order.leg is not None and order.leg.is_exclusive
        if shares or command.code != Code.DISCARDED:
            raise DomainError("guard_taken", "The chain shows its guard: which transaction succeeded isn't known yet.")
        return [_failed(Code.EXECUTED_ELSEWHERE)]
    return [_failed(command.code)]


def end_cancelled(
    order: Order, cancellation: Cancellation, evidence: e.CancelEvidence | None = None
) -> e.OrderFailed | e.OrderCancelled:
    """The end of an order that is to be cancelled, by why it is: no transaction of it ever swaps."""
    if cancellation.code != Code.DEADLINE_PASSED:
        sentence = meaning(cancellation.code).sentence
        return e.OrderCancelled(code=cancellation.code, detail=sentence, evidence=evidence)
    # Where its own cancel took the guard in the end, nothing else had.
    obstacle = None if order.obstacle == Code.GUARD_TAKEN else order.obstacle
    failed = _failed(obstacle or Code.DEADLINE_PASSED)
    return failed.model_copy(update={"evidence": evidence}) if evidence else failed


def require_status(order: Order, status: e.Status) -> None:
    """Refuse unless the order is at ``status`` with nothing on its way to the chain."""
    if order.status != status or order.live_attempt:
        raise NotApplicableError(f"The order is {order.status}, not {status} without a live attempt.")


def fail_or_rest(
    order: Order,
    code: str,
    now: datetime,
    quotes: tuple[Quote, ...] = (),
    refusals: tuple[Refusal, ...] = (),
) -> list[e.OrderEvent]:
    """The order's end, or its rest, where trying on is over.

    Nothing, while an attempt is live, it isn't proven that none ever succeeds, or the chain shows a success of
    elsewhere that isn't known yet. An order that is to be cancelled ends by that. A final code fails any order, and
    then its time in force may end it. A passing one fails a market order past its deadline and rests a limit order past
    the deadline of its trigger, or after too many rejections.
    """
    if order.live_attempt or order.unproven_attempt or order.is_taken_elsewhere:
        return []
    if order.cancellation:
        return [end_cancelled(order, order.cancellation)]
    if meaning(code).final:
        return [_failed(code, quotes, refusals)]
    if ended := cancelled_by_terms(order, code, now, quotes, refusals):
        return ended
    if not order.may_rest:
        return [_failed(code, quotes, refusals)] if past_deadline(order, now) else []
    if past_deadline(order, now) or order.rejections >= MOST_REJECTIONS:
        armed_at = rest_until(now, order.rest.failures if order.rest else 0)
        return [rested(order, code, armed_at, quotes, refusals)]
    return []


def rested(
    order: Order, code: str, armed_at: datetime | None, quotes: tuple[Quote, ...], refusals: tuple[Refusal, ...]
) -> e.OrderRested:
    if order.triggered_at is None:
        raise DomainError("not_triggered", "Only a triggered order can rest.")
    return e.OrderRested(
        code=code,
        detail=meaning(code).sentence,
        touch=order.triggered_at,
        armed_at=armed_at,
        quotes=quotes,
        refusals=refusals,
    )


def _failed(code: str, quotes: tuple[Quote, ...] = (), refusals: tuple[Refusal, ...] = ()) -> e.OrderFailed:
    of_code = meaning(code)
    return e.OrderFailed(
        code=code, detail=of_code.sentence, retryable=not of_code.final, quotes=quotes, refusals=refusals
    )
