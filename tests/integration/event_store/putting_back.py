"""PostgreSQL as a backup leaves it that was put back: the log's last events are gone."""

from __future__ import annotations

import psycopg

from event_store.dsn import parse
from tests.integration.conftest import TestDatabase


def put_back(superuser: str, database: TestDatabase, position: int) -> None:
    """Take every event after ``position`` out of the log, behind its triggers."""
    path = f"set search_path = {parse(database.owner).log_schema}, {parse(database.owner).app_schema}"
    with psycopg.connect(superuser) as connection:
        connection.execute(path)
        connection.execute("alter table events disable trigger all")
        connection.execute('delete from events where "position" > %s', [position])
        connection.execute("alter table events enable always trigger events_are_immutable")
        # The running hash isn't recomputed: what follows it doesn't look at it, and `surefill verify` isn't asked here.
        connection.execute('update log_head set "position" = %s', [position])
        connection.execute('update positions set "position" = %s where "position" > %s', [position, position])
