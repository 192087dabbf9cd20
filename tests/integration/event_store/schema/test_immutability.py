"""PostgreSQL itself keeps the log: by rights for the application, by triggers for everybody."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest

from event_store.append.appender import Appender
from event_store.dsn import parse
from event_store.schema.migrate import roles_separate
from event_store.types import LeaseGuard
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedPostgres
from tests.integration.event_store.requests import event, request

CHANGES = [
    "update events set topic = 'x'",
    "update events set topic = 'x' where false",
    "delete from events",
    "truncate events",
    "delete from log_head",
    "truncate log_head",
]


@pytest.mark.parametrize("change", CHANGES)
async def test_the_owner_changes_nothing_that_happened(change: str, appender: Appender, database: TestDatabase) -> None:
    await appender.append(request(event(uuid4())))

    with (
        database.connect(as_owner=True) as owner,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"),
    ):
        owner.execute(change)


async def test_a_superuser_that_plays_a_replica_changes_nothing_either(
    appender: Appender, postgres: EmbeddedPostgres, database: TestDatabase
) -> None:
    await appender.append(request(event(uuid4())))

    name = database.owner.rpartition("/")[2]
    with psycopg.connect(postgres.url("postgres", postgres.password, name), autocommit=True) as superuser:
        superuser.execute("set session_replication_role = replica")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"):
            superuser.execute("delete from surefill.events")


@pytest.mark.parametrize(
    "change",
    [
        *CHANGES,
        "update log_head set position = 0",
        "insert into events select * from events",
        "alter table events disable trigger all",
        "drop table events",
        "create or replace function surefill.refuse_change() returns trigger language sql as ''",
        "create table surefill.mine ()",
    ],
)
async def test_the_application_may_only_read_and_append(
    change: str, appender: Appender, database: TestDatabase
) -> None:
    await appender.append(request(event(uuid4())))

    with database.connect() as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(change)
    with database.connect() as app:
        assert app.execute("select count(*) from events").fetchone() == (1,)


async def test_nothing_the_application_owns_runs_with_the_owners_rights(
    appender: Appender, database: TestDatabase
) -> None:
    with database.connect() as app:
        app.execute("alter table leases rename to real_leases")
        app.execute(
            "create function whoever() returns text language plpgsql volatile as $$"
            " begin insert into notes values (current_user); return current_user; end $$"
        )
        app.execute("create table notes (who text)")
        app.execute("create view leases as select whoever() as processor, epoch, owner, expires_at from real_leases")
        app.execute("insert into real_leases values ('x', 1, 'x', 'infinity')")
        await appender.append(request(event(uuid4()), guards=(LeaseGuard("surefill", 1),)))

        assert app.execute("select distinct who from notes").fetchall() == [("surefill",)]


async def test_readiness_can_tell_whether_the_roles_are_separate(database: TestDatabase) -> None:
    for url, separate in ((database.app, True), (database.owner, False)):
        async with await psycopg.AsyncConnection.connect(parse(url).conninfo) as connection:
            assert await roles_separate(connection) is separate
