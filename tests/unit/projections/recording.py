"""Events as the log would give them back, for folds that need no database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from commands.ids import DEFAULT_ACCOUNT
from domain.events import ORDER_EVENTS, OrderEvent
from event_store.mapper import EventMapper
from event_store.types import RecordedEvent
from tests.unit.domain.scenario import NOW

MAPPER = EventMapper(ORDER_EVENTS)
ORDER = UUID("01900000-0000-7000-8000-000000000001")


def recorded_at(version: int) -> datetime:
    return NOW + timedelta(milliseconds=10 * version)


def record(
    events: Iterable[OrderEvent], *, order_id: UUID = ORDER, position: int = 1, version: int = 1
) -> list[RecordedEvent]:
    """``events`` as versions ``version``... of one stream, at positions ``position``..., 10 ms apart."""
    command = uuid4()
    return [
        RecordedEvent(
            order_id,
            version + n,
            uuid4(),
            *MAPPER.dump(event),
            DEFAULT_ACCOUNT,
            command,
            command,
            None,
            position + n,
            recorded_at(version + n),
            b"",
        )
        for n, event in enumerate(events)
    ]
