"""The log as the ``eventsourcing`` library's persistence module: ``event_store.eventsourcing.factory``.

It connects by the library's ``POSTGRES_*`` settings, as the application's role; ``POSTGRES_SCHEMA`` is the log's
schema. The tables come from ``surefill migrate``, never from the library.
"""

from __future__ import annotations

from eventsourcing.persistence import InfrastructureFactory, NotSupportedError
from eventsourcing.postgres import BasePostgresFactory
from eventsourcing.utils import Environment, EnvType

from event_store.dsn import DEFAULT_SCHEMA, search_path_option
from event_store.eventsourcing.recorder import LogRecorder


class LogFactory(BasePostgresFactory[LogRecorder], InfrastructureFactory[LogRecorder]):
    """Every recorder it makes is the log."""

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        schema = self.env.get(self.POSTGRES_SCHEMA) or DEFAULT_SCHEMA
        parameters = self.datastore.pool.kwargs
        assert isinstance(parameters, dict)  # noqa: S101  # the library's own, before its pool opens
        parameters["options"] = search_path_option(schema)

    def aggregate_recorder(self, purpose: str = "events") -> LogRecorder:
        if purpose != "events":
            raise NotSupportedError(f"the log keeps no {purpose}")
        return LogRecorder(self.datastore)

    def application_recorder(self) -> LogRecorder:
        return LogRecorder(self.datastore)

    def tracking_recorder(self, tracking_recorder_class: type[LogRecorder] | None = None) -> LogRecorder:
        return (tracking_recorder_class or LogRecorder)(self.datastore)

    def process_recorder(self) -> LogRecorder:
        return LogRecorder(self.datastore)


Factory = LogFactory
