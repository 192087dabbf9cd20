"""An order's recorded events folded to its state: the newest, at a version, or as of an instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.events import OrderEvent, is_order_event
from domain.evolve import evolve
from domain.order import Order
from event_store.errors import UnreadableEventError
from event_store.mapper import EventMapper
from event_store.types import RecordedEvent
from projections.order_view import OrderView, order_view


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order as of one of its events: ``updated_at`` and ``position`` are that event's."""

    order_id: UUID
    account_id: UUID
    order: Order
    version: int
    submitted_at: datetime
    updated_at: datetime
    position: int

    def view(self) -> OrderView:
        return order_view(self.order_id, self.order, self.version, self.submitted_at, self.updated_at)


def order_event(mapper: EventMapper, recorded: RecordedEvent) -> OrderEvent:
    """What was recorded, as an event of an order; raises ``UnreadableEventError``."""
    return mapper.read(recorded, is_order_event)


def advance(state: OrderState | None, recorded: RecordedEvent, event: OrderEvent) -> OrderState:
    """``state`` after ``event``, which was recorded as ``recorded``; None before the first of a stream.

    Raises ``UnreadableEventError`` where it cannot follow.
    """
    try:
        order = evolve(state.order if state else None, event)
    except Exception as fault:  # noqa: BLE001 - what cannot follow stays its order's own
        raise UnreadableEventError(recorded, fault) from None
    return OrderState(
        recorded.stream_id,
        recorded.account_id,
        order,
        recorded.version,
        state.submitted_at if state else recorded.recorded_at,
        recorded.recorded_at,
        recorded.position,
    )


def fold_recorded(mapper: EventMapper, recorded: Sequence[RecordedEvent]) -> OrderState | None:
    """The state after ``recorded``, a stream from its first event; None where there is none."""
    state: OrderState | None = None
    for one in recorded:
        state = advance(state, one, order_event(mapper, one))
    return state


def until(
    recorded: Sequence[RecordedEvent], *, version: int | None = None, as_of: datetime | None = None
) -> list[RecordedEvent]:
    """Those of ``recorded`` up to a version and an instant, both inclusive."""
    return [
        one
        for one in recorded
        if (version is None or one.version <= version) and (as_of is None or one.recorded_at <= as_of)
    ]
