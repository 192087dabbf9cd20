"""What events of the log change of the table of guards. A function of the events alone, so that it can be made anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeGuard
from uuid import UUID

from domain.events import is_order_event
from domain.reclaim import ENDS, ReclaimEnd, may_have_guard, rent_in_guard
from domain.reclaim_events import ReclaimBuilt, ReclaimExpired, ReclaimFailed, ReclaimLanded
from event_store.errors import UnreadableEventError
from event_store.mapper import EventMapper
from event_store.types import PositionedEvent

ReclaimEvent = ReclaimBuilt | ReclaimEnd

_RECLAIM_EVENTS = (ReclaimBuilt, ReclaimLanded, ReclaimFailed, ReclaimExpired)
_RECLAIM_TOPICS = frozenset(event.TOPIC for event in _RECLAIM_EVENTS)


@dataclass(frozen=True, slots=True)
class Ended:
    """An order that ended; ``lamports`` lie in its guard, None where the log doesn't say."""

    order_id: UUID
    account_id: UUID
    at: datetime
    lamports: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """An event of the reclaim ``reclaim_id``."""

    reclaim_id: UUID
    account_id: UUID
    at: datetime
    event: ReclaimEvent


@dataclass(slots=True)
class GuardChanges:
    """Orders that ended, and what became of reclaims, in the order of the log: none comes before its orders' end."""

    ended: list[Ended] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.ended or self.steps)


def guard_changes(mapper: EventMapper, events: Iterable[PositionedEvent]) -> GuardChanges:
    """Raises ``UnreadableEventError`` for a reclaim that can't be read: its guards would stay locked unseen."""
    changes = GuardChanges()
    for recorded in events:
        if recorded.topic in ENDS:
            try:
                event = mapper.read(recorded, is_order_event)
            except UnreadableEventError:
                # Nobody can tell whether it has a guard: what can't be read is kept, and looked at when it is due.
                changes.ended.append(Ended(recorded.stream_id, recorded.account_id, recorded.recorded_at, None))
                continue
            if may_have_guard(event):
                lamports = rent_in_guard(event)
                changes.ended.append(Ended(recorded.stream_id, recorded.account_id, recorded.recorded_at, lamports))
        elif recorded.topic in _RECLAIM_TOPICS:
            step = mapper.read(recorded, _is_reclaim_event)
            changes.steps.append(Step(recorded.stream_id, recorded.account_id, recorded.recorded_at, step))
    return changes


def _is_reclaim_event(event: object) -> TypeGuard[ReclaimEvent]:
    return isinstance(event, _RECLAIM_EVENTS)
