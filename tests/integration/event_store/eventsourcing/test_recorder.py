"""The eventsourcing library's own conformance cases, run against the log."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError, NotSupportedError, StoredEvent
from eventsourcing.postgres import PostgresDatastore
from eventsourcing.tests.persistence import (
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    TrackingRecorderTestCase,
)
from psycopg.conninfo import conninfo_to_dict

from event_store.eventsourcing.factory import Factory
from event_store.eventsourcing.recorder import LogRecorder
from tests.integration.conftest import TestDatabase


@pytest.fixture
def settings(database: TestDatabase) -> dict[str, str]:
    where = conninfo_to_dict(database.app)
    return {
        "PERSISTENCE_MODULE": "event_store.eventsourcing.factory",
        "POSTGRES_DBNAME": str(where["dbname"]),
        "POSTGRES_HOST": str(where["host"]),
        "POSTGRES_PORT": str(where["port"]),
        "POSTGRES_USER": str(where["user"]),
        "POSTGRES_PASSWORD": str(where["password"]),
    }


@pytest.fixture
def factory(settings: dict[str, str]):  # type: ignore[no-untyped-def]
    with Factory(settings) as factory:
        yield factory


class OnTheLog:
    datastore: PostgresDatastore

    @pytest.fixture(autouse=True)
    def _on_the_log(self, factory: Factory) -> None:
        self.datastore = factory.datastore

    def create_recorder(self) -> LogRecorder:
        return LogRecorder(self.datastore)


class TestApplicationRecorder(OnTheLog, ApplicationRecorderTestCase):  # type: ignore[type-arg]
    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestNonInterleaving(OnTheLog, NonInterleavingNotificationIDsBaseCase):
    pass


class TestTracking(OnTheLog, TrackingRecorderTestCase):
    pass


class TestProcessRecorder(OnTheLog, ProcessRecorderTestCase):
    pass


class Dog(Aggregate):
    @event("Registered")
    def __init__(self, name: str) -> None:
        self.name = name
        self.tricks: list[str] = []

    @event("TrickAdded")
    def add_trick(self, trick: str) -> None:
        self.tricks.append(trick)


def test_an_application_of_the_library_keeps_its_aggregates_in_the_log(settings: dict[str, str]) -> None:
    with Application[UUID](env=settings) as application:
        dog = Dog("Fido")
        dog.add_trick("roll over")
        application.save(dog)

        assert application.repository.get(dog.id).tricks == ["roll over"]
        assert application.repository.get(dog.id, version=1).tricks == []
        assert [n.originator_version for n in application.recorder.select_notifications(None, 10)] == [1, 2]


def test_a_stream_with_a_hole_is_a_conflict_for_the_library_too(factory: Factory) -> None:
    recorder = factory.application_recorder()

    for versions in ((7,), (1, 3), (1, 1)):
        stream = uuid4()
        with pytest.raises(IntegrityError):
            recorder.insert_events([StoredEvent(stream, version, "t", b"") for version in versions])
    assert recorder.max_notification_id() is None


def test_the_log_keeps_no_snapshots(factory: Factory) -> None:
    with pytest.raises(NotSupportedError):
        factory.aggregate_recorder("snapshots")
