"""One attempt that the tracker follows, as the log has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chains.protocol import OutcomeQuestion, SentTransaction
from commands.loaded_order import LoadedOrder
from domain.decide_built import live
from domain.events import Purpose
from workers.execution.sending import signed_bytes
from workers.outcome_question import outcome_question, sent_transaction
from workers.tracker.schedule import Schedule


@dataclass(frozen=True, slots=True)
class TrackedAttempt:
    """Attempt ``number`` of an order whose stream is read up to ``version``; a later read makes another object.

    ``schedule`` isn't from the log: it is what this process plans, and is handed on from one read to the next.
    ``lands_until`` is the last block height at which it may land, ``question`` what proves that it never did.
    ``unproven``: it has ended, on one endpoint's word alone. ``transaction`` is the signed bytes, which are sent again
    and never shown. ``resent``: it is the one of its order that is sent again. ``joins`` is how many of its purpose are
    live. ``to_cancel``: the order is to be cancelled; ``ends_at``: the time from which it would be.
    """

    order_id: UUID
    account_id: UUID
    number: int
    version: int
    sent: SentTransaction
    lands_until: int
    question: OutcomeQuestion | None
    transaction: bytes = field(repr=False)
    submitted: bool
    confirmed: bool
    unproven: bool
    order_ended: bool
    purpose: Purpose
    resent: bool
    joins: int
    to_cancel: bool
    ends_at: datetime | None
    schedule: Schedule = field(compare=False)

    @property
    def signature(self) -> str:
        return self.sent.signature


def attempts_to_track(history: LoadedOrder, schedule_of: Callable[[int], Schedule]) -> Iterator[TrackedAttempt]:
    """The attempts that may still land, the confirmed one until its swap is recorded as finalized, and of an order that
    hasn't ended the one whose end isn't proven.

    ``schedule_of`` gives the schedule of an attempt.
    """
    order = history.order
    if order is None:
        return
    purpose: Purpose = "cancel" if order.cancellation else "swap"
    going = live(order, purpose)
    in_question = None if order.ended else order.unproven_attempt
    for attempt in order.attempts:
        unproven = attempt is in_question
        if attempt.end is None or unproven or (attempt.end == "confirmed" and not order.is_finalized):
            yield TrackedAttempt(
                order_id=history.order_id,
                account_id=history.account_id,
                number=attempt.number,
                version=history.version,
                sent=sent_transaction(order, attempt),
                lands_until=attempt.lands_until,
                question=outcome_question(order, attempt),
                transaction=signed_bytes(history, attempt.number),
                submitted=attempt.submitted,
                confirmed=attempt.end == "confirmed",
                unproven=unproven,
                order_ended=order.ended,
                purpose=attempt.purpose,
                # A swap isn't sent any more once the order is to be cancelled.
                resent=attempt.end == "confirmed" or (not order.ended and attempt in going[-1:]),
                joins=len(going),
                to_cancel=order.cancellation is not None,
                ends_at=order.deadline if order.type == "market" and not order.cancellation else None,
                schedule=schedule_of(attempt.number),
            )
