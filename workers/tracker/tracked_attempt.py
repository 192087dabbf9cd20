"""One attempt that the tracker follows, as the log has it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from chains.protocol import OutcomeQuestion, SentTransaction
from commands.loaded_order import LoadedOrder
from domain.codes import Code
from domain.decide_built import live
from domain.events import Purpose, TransactionBuilt
from domain.order import Attempt, Order
from domain.reclaim import is_maker_known
from workers.execution.sending import recorded_attempt
from workers.outcome_question import outcome_question, sent_transaction
from workers.tracker.schedule import Schedule


class TrackedAttempt(Struct, frozen=True, eq=False, gc=False):
    """Attempt ``number`` of an order whose stream is read up to ``version``; a later read makes another object.

    ``schedule`` isn't from the log: it is what this process plans, and is handed on from one read to the next.
    ``lands_until`` is the last block height at which it may land.
    ``confirmed``: its order is, by it, and that isn't settled yet: ``by_operator``, where a person said so.
    ``unproven``: it has ended, on one endpoint's word alone. ``watched``: all attempts of its order count as lost, and
    it stands for them. ``resent``: it is the one of its order that is sent again. ``joins`` is how many of its purpose
    are live. ``ends_at``: the time from which the order is to be cancelled.

    What is asked of the chain is made when it is: most attempts are asked for once, and read again several times.
    """

    order_id: UUID
    account_id: UUID
    number: int
    version: int
    order: Order
    attempt: Attempt
    built: TransactionBuilt
    lands_until: int
    submitted: bool
    confirmed: bool
    by_operator: bool
    unproven: bool
    watched: bool
    resent: bool
    joins: int
    ends_at: datetime | None
    schedule: Schedule

    def __repr__(self) -> str:
        # ``built`` has the signed bytes.
        return f"TrackedAttempt({self.order_id}, {self.number}, version={self.version})"

    @property
    def signature(self) -> str:
        return self.attempt.signature

    @property
    def purpose(self) -> Purpose:
        return self.attempt.purpose

    @property
    def order_ended(self) -> bool:
        return self.order.ended

    @property
    def order_confirmed(self) -> bool:
        return self.order.status == "confirmed"

    @property
    def to_cancel(self) -> bool:
        return self.order.cancellation is not None

    @property
    def other_leg_filled(self) -> bool:
        """Whether its order only waits for the proof that another one of its list took the guard that they share."""
        asked = self.order.cancellation
        return asked is not None and asked.code == Code.OTHER_LEG_FILLED and not self.order_ended

    @property
    def is_waited_for(self) -> bool:
        """Whether other orders of its list begin once more endpoints than one show its swap."""
        return self.confirmed and not (self.order.lets_others_begin or self.schedule.others_began)

    @property
    def sent(self) -> SentTransaction:
        return sent_transaction(self.order, self.attempt)

    @property
    def question(self) -> OutcomeQuestion | None:
        """What proves that it never landed; None where it makes no guard."""
        return outcome_question(self.order, self.attempt, watched=self.watched)

    @property
    def transaction(self) -> bytes:
        """The signed bytes, which are sent again and never shown."""
        return b64decode(self.built.transaction)


def attempts_to_track(history: LoadedOrder, schedule_of: Callable[[int], Schedule]) -> Iterator[TrackedAttempt]:
    """The attempts that may still land, the confirmed one until the chain has shown that it is final, and of an order
    that hasn't ended the one whose end isn't proven. Of an ended order those that one endpoint alone called expired:
    they may yet fail, at a fee. Where there is none of them and none that succeeded, the newest stands for the order,
    whose guard is watched.

    ``schedule_of`` gives the schedule of an attempt.
    """
    order = history.order
    if order is None:
        return
    in_question = None if order.ended else order.unproven_attempt
    watched = _watched(order, in_question)
    for attempt in order.attempts:
        is_followed = attempt.end is None or (attempt.end == "confirmed" and not order.is_settled)
        unproven = attempt is in_question or (order.ended and _may_have_failed(attempt))
        if is_followed or attempt is watched or unproven:
            schedule = schedule_of(attempt.number)
            yield _tracked(history, order, attempt, schedule, unproven=unproven, watched=attempt is watched)


def _may_have_failed(attempt: Attempt) -> bool:
    """Whether one endpoint alone said that it never lands: it may yet, as a failure that costs a fee."""
    return attempt.end == "expired" and attempt.guard is not None and not attempt.proven


def _watched(order: Order, in_question: Attempt | None) -> Attempt | None:
    if order.live_attempt or is_maker_known(order) or in_question:
        return None
    return next((attempt for attempt in reversed(order.attempts) if attempt.guard), None)


def _tracked(
    history: LoadedOrder, order: Order, attempt: Attempt, schedule: Schedule, *, unproven: bool, watched: bool
) -> TrackedAttempt:
    is_confirmed = attempt.end == "confirmed"
    by_operator = is_confirmed and order.fill is not None and order.fill.by_operator
    going = live(order, "cancel" if order.cancellation else "swap")
    return TrackedAttempt(
        order_id=history.order_id,
        account_id=history.account_id,
        number=attempt.number,
        version=history.version,
        order=order,
        attempt=attempt,
        built=recorded_attempt(history, attempt.number),
        lands_until=max(one.lands_until for one in order.attempts) if watched else attempt.lands_until,
        submitted=attempt.submitted,
        confirmed=is_confirmed,
        by_operator=by_operator,
        unproven=unproven,
        watched=watched,
        # A swap isn't sent any more once the order is to be cancelled.
        resent=(is_confirmed and not by_operator) or (not order.ended and attempt in going[-1:]),
        joins=len(going),
        ends_at=None if order.cancellation else order.ends_at,
        schedule=schedule,
    )
