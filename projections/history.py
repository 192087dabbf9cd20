"""An order's recorded events folded to its state: the newest, at a version, or as of an instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from domain.events import OrderEvent, TrailMoved, is_order_event
from domain.evolve import evolve
from domain.order import Order
from event_store.mapper import EventMapper
from event_store.replay import follow
from event_store.types import PositionedEvent
from projections.order_view import OrderView, order_view


class OrderState(Struct, frozen=True, gc=False):
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


def order_event(mapper: EventMapper, recorded: PositionedEvent) -> OrderEvent:
    """What was recorded, as an event of an order; raises ``UnreadableEventError``."""
    return mapper.read(recorded, is_order_event)


def advance(state: OrderState | None, recorded: PositionedEvent, event: OrderEvent) -> OrderState:
    """``state`` after ``event``, which was recorded as ``recorded``; None before the first of a stream.

    Raises ``UnreadableEventError`` where it cannot follow.
    """
    order = follow(state.order if state else None, recorded, event, evolve)
    return OrderState(
        recorded.stream_id,
        recorded.account_id,
        order,
        recorded.version,
        state.submitted_at if state else recorded.recorded_at,
        recorded.recorded_at,
        recorded.position,
    )


def step(mapper: EventMapper, state: OrderState | None, recorded: PositionedEvent) -> tuple[OrderEvent, OrderState]:
    """The next event of an order, and ``state`` after it; raises ``UnreadableEventError``."""
    event = order_event(mapper, recorded)
    return event, advance(state, recorded, event)


def fold_recorded(mapper: EventMapper, recorded: Sequence[PositionedEvent]) -> OrderState | None:
    """The state after ``recorded``, a stream from its first event; None where there is none."""
    state: OrderState | None = None
    for stored in recorded:
        _, state = step(mapper, state, stored)
    return state


def revision(recorded: Sequence[PositionedEvent]) -> int:
    """The version of the newest of a stream's events that isn't a moved trail."""
    return next(stored.version for stored in reversed(recorded) if stored.topic != TrailMoved.TOPIC)


def until(
    recorded: Sequence[PositionedEvent], *, version: int | None = None, as_of: datetime | None = None
) -> list[PositionedEvent]:
    """Those of ``recorded`` up to a version and an instant, both inclusive."""
    return [
        stored
        for stored in recorded
        if (version is None or stored.version <= version) and (as_of is None or stored.recorded_at <= as_of)
    ]
