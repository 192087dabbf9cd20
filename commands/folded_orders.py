"""An order as its recorded events fold to it: from the first on, or from those that are known already."""

from __future__ import annotations

from collections.abc import Sequence

from commands.kept_events import kept, moves_since
from commands.loaded_order import LoadedOrder
from domain.events import OrderAmended, OrderEvent, OrderReleased, is_order_event
from domain.evolve import evolve
from event_store.mapper import EventMapper
from event_store.replay import follow, replay
from event_store.types import PositionedEvent


def folded(mapper: EventMapper, recorded: Sequence[PositionedEvent], before: LoadedOrder | None = None) -> LoadedOrder:
    """The order after ``recorded``, its first events or those that follow ``before``. Raises
    ``UnreadableEventError``.
    """
    events: list[OrderEvent] = []
    order = before.order if before else None
    for event, after in replay(mapper, recorded, is_order_event, evolve, order):
        events.append(event)
        order = after
    first, last = recorded[0], recorded[-1]
    return LoadedOrder(
        order_id=first.stream_id,
        account_id=first.account_id,
        order=order,
        version=last.version,
        events=kept(before.events if before else (), events),
        first_position=(before.first_position if before else 0) or first.position,
        queued_position=queued(before.queued_position if before else 0, events, [one.position for one in recorded]),
        last_event_id=last.event_id,
        correlation_id=first.correlation_id,
        trail_moves=moves_since(before.trail_moves if before else 0, events),
    )


def next_of(mapper: EventMapper, known: LoadedOrder, recorded: PositionedEvent) -> LoadedOrder:
    """``known`` after its next event: ``folded`` of one, at half its cost. Raises ``UnreadableEventError``."""
    event = mapper.read(recorded, is_order_event)
    return LoadedOrder(
        order_id=known.order_id,
        account_id=known.account_id,
        order=follow(known.order, recorded, event, evolve),
        version=recorded.version,
        events=kept(known.events, [event]),
        first_position=known.first_position or recorded.position,
        queued_position=queued(known.queued_position, [event], [recorded.position]),
        last_event_id=recorded.event_id,
        correlation_id=known.correlation_id or recorded.correlation_id,
        trail_moves=moves_since(known.trail_moves, [event]),
    )


def queued(before: int, events: Sequence[OrderEvent], positions: Sequence[int]) -> int:
    """Where an order's place among those that wait is from, after ``events`` at ``positions``."""
    for event, position in zip(events, positions, strict=True):
        moves = isinstance(event, OrderAmended) and not event.keeps_place
        if not before or moves or isinstance(event, OrderReleased):
            before = position
    return before
