"""What the attempts of an order tell by themselves where the order can't be read whole."""

from __future__ import annotations

from collections.abc import Iterable

from domain import events as e
from domain.codes import Code
from domain.errors import DomainError
from domain.events import is_order_event
from domain.evolve_attempts import attempt_of, in_question, with_expiry, with_rejection
from domain.order import ENDS, Attempt
from event_store.errors import UnreadableEventError
from event_store.mapper import EventMapper
from event_store.types import RecordedEvent

_KNOWN = frozenset(event.TOPIC for event in e.ORDER_EVENTS)
_ENDS = frozenset(event.TOPIC for event in e.ORDER_EVENTS if event.status in ENDS)
# What says something of its attempts, each by its number: no other event has to be read.
_OF_ATTEMPTS = frozenset(
    event.TOPIC for event in (e.TransactionBuilt, e.BuildRejected, e.AttemptRejected, e.AttemptExpired)
)


def require_no_attempt(recorded: Iterable[RecordedEvent], mapper: EventMapper) -> None:
    """The order has ended; or each attempt that was built has, as enough endpoints or an operator have shown, and
    nothing is unknown.

    Raises ``DomainError``: ``live_attempt``, ``unproven_attempt``, ``guard_taken``.
    """
    attempts: tuple[Attempt, ...] = ()
    ended = taken = False
    for stored in recorded:
        if stored.topic not in _KNOWN:
            raise DomainError("live_attempt", f"Nobody can tell: this version doesn't know {stored.topic}.")
        ended = ended or stored.topic in _ENDS
        if stored.topic in _OF_ATTEMPTS:
            try:
                event = mapper.read(stored, is_order_event)
            except UnreadableEventError:
                detail = f"Nobody can tell: its event {stored.version}, {stored.topic}, can't be read."
                raise DomainError("live_attempt", detail) from None
            attempts = _after(attempts, event)
            taken = taken or (isinstance(event, e.BuildRejected) and event.code == Code.GUARD_TAKEN)
    if not ended:
        _require_ended(attempts, taken)


def _require_ended(attempts: tuple[Attempt, ...], taken: bool) -> None:
    said = "The order can't be read, and"
    if taken and not attempts:
        raise DomainError("guard_taken", f"{said} the chain shows its guard: which transaction succeeded isn't known.")
    if live := next((one for one in attempts if one.end is None), None):
        raise DomainError("live_attempt", f"{said} its attempt {live.number} may still land.")
    if unproven := next((one for one in attempts if one.is_unproven), None):
        detail = f"{said} that its attempt {unproven.number} never succeeds is not proven yet."
        raise DomainError("unproven_attempt", detail)


def _after(attempts: tuple[Attempt, ...], event: e.OrderEvent) -> tuple[Attempt, ...]:
    match event:
        case e.TransactionBuilt():
            return (*attempts, attempt_of(event, None))
        case e.BuildRejected(code=Code.GUARD_TAKEN):
            return in_question(attempts)
        case e.AttemptRejected():
            return with_rejection(attempts, event)
        case e.AttemptExpired():
            return with_expiry(attempts, event)
        case _:
            return attempts
