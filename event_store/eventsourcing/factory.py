"""The log as the ``eventsourcing`` library's persistence module: ``event_store.eventsourcing.factory``.

It connects by the library's ``POSTGRES_*`` settings, as the application's role; ``POSTGRES_SCHEMA`` is the log's
schema. Where ``LOG_CONNINFO`` is set (``environment`` makes it of a database URL) that says all of it. The tables come
from ``surefill migrate``, never from the library.
"""

from __future__ import annotations

from eventsourcing.persistence import InfrastructureFactory, NotSupportedError
from eventsourcing.postgres import BasePostgresFactory
from eventsourcing.utils import Environment, EnvType
from psycopg.rows import dict_row

from event_store.dsn import DEFAULT_SCHEMA, parse, search_path_option
from event_store.eventsourcing.recorder import LogRecorder

LOG_CONNINFO = "LOG_CONNINFO"


def environment(database_url: str, *, application_name: str) -> dict[str, str]:
    """The library's settings for the log at ``database_url``, with one connection that is opened when it is needed.

    Raises ``DatabaseUrlError``. It holds the password.
    """
    placeholders = dict.fromkeys(("POSTGRES_DBNAME", "POSTGRES_HOST", "POSTGRES_USER", "POSTGRES_PASSWORD"), "-")
    return {
        **placeholders,
        LOG_CONNINFO: parse(database_url, application_name=application_name).conninfo,
        "PERSISTENCE_MODULE": __name__,
        "POSTGRES_POOL_SIZE": "0",
        "POSTGRES_MAX_OVERFLOW": "1",
    }


class LogFactory(BasePostgresFactory[LogRecorder], InfrastructureFactory[LogRecorder]):
    """Every recorder it makes is the log."""

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        if conninfo := self.env.get(LOG_CONNINFO):
            # All that a database URL may say: the library knows five parts of it.
            self.datastore.pool.conninfo = conninfo
            self.datastore.pool.kwargs = {"row_factory": dict_row}
            return
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
