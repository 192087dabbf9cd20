"""Cancelling an order: at once where no transaction of it may ever succeed, else by the chain.

After ``CancelRequested`` no swap is built. Whether one that was signed before still lands is for the chain to say: a
cancel transaction makes the order's guard, and whichever of them is first wins.
"""

from __future__ import annotations

from datetime import datetime

from domain import commands as c
from domain import events as e
from domain.decide_end import end_cancelled
from domain.errors import DomainError, NotApplicableError
from domain.evidence import Landing
from domain.evolve import evolve
from domain.numbers import total
from domain.order import Attempt, Order
from domain.time_in_force import is_expired


def request_cancel(order: Order, command: c.RequestCancel) -> list[e.OrderEvent]:
    """The request, and the end with it where nothing that was signed may still succeed."""
    if order.ended:
        raise NotApplicableError(f"The order is {order.status}.")
    waited = order.is_taken_elsewhere and command.is_taker_known
    if order.cancellation and not waited:
        raise NotApplicableError("Its cancel is under way already.")
    requested = e.CancelRequested(code=command.code, by=command.by, because=command.because)
    after = order if order.cancellation else evolve(order, requested)
    events: list[e.OrderEvent] = [] if order.cancellation else [requested]
    if after.cancellation is None or after.live_attempt or after.unproven_attempt:
        return events
    if after.is_taken_elsewhere and not command.is_taker_known:
        return events
    return [*events, end_cancelled(after, after.cancellation)]


def needs_cancel(order: Order, now: datetime) -> bool:
    """Whether the order's time is over for good, with its terms or while a transaction of it may have succeeded or may
    yet.

    A limit order rests past the deadline of its trigger, and a cancel would end it for ever.
    """
    if order.ended or order.cancellation:
        return False
    if is_expired(order, now):
        return True
    if order.is_immediate and order.unproven_attempt and not order.live_attempt:
        return True  # Its one try is over, as far as is known.
    is_over = order.ends_at is not None and now >= order.ends_at
    return is_over and bool(order.live_attempt or order.unproven_attempt or order.is_taken_elsewhere)


def end_by_cancel(order: Order, attempt: Attempt, landing: Landing) -> e.OrderEvent:
    """The end of the order whose cancel, ``attempt``, is on chain; it counts once no fork can undo it."""
    if landing.commitment != "finalized":
        raise NotApplicableError("A cancel that isn't finalized can be undone by a fork.")
    if order.cancellation is None:
        raise DomainError("not_cancelled", "The order has a cancel transaction that nobody has asked for.")
    evidence = e.CancelEvidence(
        attempt=attempt.number,
        signature=attempt.signature,
        slot=landing.slot,
        network_fee_lamports=total(landing.fee_lamports, order.fees_lost_beside(attempt)),
        guard_rent_lamports=landing.guard_rent_lamports,
    )
    return end_cancelled(order, order.cancellation, evidence)
