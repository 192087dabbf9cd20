"""A TWAP: what its stream comes to, and what may be recorded of it next. Its slices' orders tell what was executed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal
from uuid import UUID

from domain.account_event import AccountEvent
from domain.errors import DomainError
from domain.terms import OrderTerms
from domain.twap_events import SliceRefused, TwapCancelled, TwapPaused, TwapResumed, TwapSubmitted
from domain.twap_schedule import slice_id, slice_ids, slice_terms

TwapState = Literal["active", "paused", "cancelled"]


@dataclass(frozen=True, slots=True)
class Twap:
    """The list as of ``version`` of its stream; ``because`` is why it isn't active, where that was said; ``refused``
    are the slices that were not taken.
    """

    list_id: UUID
    submitted: TwapSubmitted
    version: int = 1
    state: TwapState = "active"
    because: str | None = None
    refused: tuple[SliceRefused, ...] = ()

    @property
    def slices(self) -> int:
        return self.submitted.slices

    @property
    def every(self) -> timedelta:
        return timedelta(milliseconds=self.submitted.every_ms)

    @property
    def order_ids(self) -> list[UUID]:
        """The ids of all slices' orders, the first to the last, whether they were submitted yet or not."""
        return list(slice_ids(self.list_id, self.slices))

    def order_id(self, number: int) -> UUID:
        return slice_id(self.list_id, number)

    def terms(self, number: int) -> OrderTerms:
        """What slice ``number`` swaps, and how."""
        return slice_terms(self.submitted.order, self.slices, number)

    def was_refused(self, number: int) -> bool:
        return any(refused.slice == number for refused in self.refused)

    def same_as(self, asked: TwapSubmitted) -> bool:
        """Whether a client who repeats a list repeats its terms."""
        mine = self.submitted
        return mine.order.same_as(asked.order) and (mine.slices, mine.every_ms) == (asked.slices, asked.every_ms)


def twap(list_id: UUID, events: Sequence[AccountEvent]) -> Twap:
    """The list after the events of its stream. Raises ``ValueError`` where one can't follow those before it."""
    if not events or not isinstance(events[0], TwapSubmitted):
        raise ValueError("a TWAP begins with TwapSubmitted")
    state = Twap(list_id, events[0])
    for event in events[1:]:
        state = _evolve(state, event)
    return state


def _evolve(state: Twap, event: AccountEvent) -> Twap:
    version = state.version + 1
    match event:
        case TwapPaused() if state.state == "active":
            return replace(state, version=version, state="paused", because=event.because)
        case TwapResumed() if state.state == "paused":
            return replace(state, version=version, state="active", because=None)
        case TwapCancelled() if state.state != "cancelled":
            return replace(state, version=version, state="cancelled", because=event.because)
        case SliceRefused() if 0 < event.slice <= state.slices and not state.was_refused(event.slice):
            return replace(state, version=version, refused=(*state.refused, event))
        case _:
            raise ValueError(f"{type(event).__name__} can't follow on a TWAP that is {state.state}")


def pause(state: Twap, by: str, because: str | None = None) -> TwapPaused | None:
    """None where it is paused already. Raises ``DomainError("list_ended")``."""
    _require_going_on(state)
    return None if state.state == "paused" else TwapPaused(by=by, because=because)


def resume(state: Twap, by: str) -> TwapResumed | None:
    """None where it goes on already. Raises ``DomainError("list_ended")``."""
    _require_going_on(state)
    return None if state.state == "active" else TwapResumed(by=by)


def cancel(state: Twap, by: str, because: str | None = None) -> TwapCancelled | None:
    """None where it is cancelled already."""
    return None if state.state == "cancelled" else TwapCancelled(by=by, because=because)


def refuse_slice(state: Twap, number: int, code: str, detail: str) -> SliceRefused | None:
    """None where there is nothing to refuse: it was refused already, or the list doesn't go on."""
    if state.state != "active" or state.was_refused(number):
        return None
    return SliceRefused(slice=number, code=code, detail=detail)


def _require_going_on(state: Twap) -> None:
    if state.state == "cancelled":
        raise DomainError("list_ended", "The list is cancelled.")
