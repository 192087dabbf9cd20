"""Between the library's events and ours: what is stored is ours, under its topic and version, as the whole log is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import JSONTranscoder, Mapper, MapperDeserialisationError, StoredEvent
from eventsourcing.utils import get_topic

from commands.directory.aggregates import AccountAggregate, KeyAggregate
from domain.directory_events import (
    DIRECTORY_EVENTS,
    AccountOpened,
    DirectoryEvent,
    KeyIssued,
    KeyRevoked,
    LimitsSet,
    WalletBound,
)
from event_store.mapper import UNREADABLE, EventMapper

_RECORDED_AS: dict[type[Any], type[DirectoryEvent]] = {
    AccountAggregate.Opened: AccountOpened,  # type: ignore[attr-defined]  # the decorator makes these classes
    AccountAggregate.WalletBound: WalletBound,  # type: ignore[attr-defined]
    AccountAggregate.LimitsSet: LimitsSet,  # type: ignore[attr-defined]
    KeyAggregate.Issued: KeyIssued,  # type: ignore[attr-defined]
    KeyAggregate.Revoked: KeyRevoked,  # type: ignore[attr-defined]
}
_CLASS_OF = {model.TOPIC: kind for kind, model in _RECORDED_AS.items()}
_AGGREGATE_OF = {AccountOpened.TOPIC: AccountAggregate, KeyIssued.TOPIC: KeyAggregate}


class DirectoryMapper(Mapper[UUID]):
    def __init__(self) -> None:
        super().__init__(JSONTranscoder())
        self._events = EventMapper(DIRECTORY_EVENTS)

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        values = dict(vars(domain_event))
        originator_id, version = values.pop("originator_id"), values.pop("originator_version")
        values.pop("originator_topic", None)
        model = _RECORDED_AS[type(domain_event)]
        topic, state = self._events.dump(model(at=values.pop("timestamp"), **values))
        return StoredEvent(originator_id, version, topic, state)

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        try:
            recorded = self._events.load(stored_event.topic, stored_event.state)
        except UNREADABLE as fault:
            raise MapperDeserialisationError(str(fault)) from fault
        kind = _CLASS_OF[stored_event.topic]
        values = {name: getattr(recorded, name) for name in type(recorded).model_fields}
        values["timestamp"] = values.pop("at")
        if aggregate := _AGGREGATE_OF.get(stored_event.topic):
            values["originator_topic"] = get_topic(aggregate)
        values |= {"originator_id": stored_event.originator_id, "originator_version": stored_event.originator_version}
        event: DomainEventProtocol[UUID] = object.__new__(kind)
        object.__setattr__(event, "__dict__", values)
        return event
