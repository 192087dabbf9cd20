from __future__ import annotations

import asyncio
from uuid import uuid4

import psycopg
import pytest

from event_store.append.appender import Appender
from event_store.dsn import parse
from event_store.errors import LogUnavailableError, MigrationError
from event_store.schema.migrate import migrate, migrations, roles_separate
from event_store.types import Stored
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedPostgres
from tests.integration.event_store.requests import event, request


async def append_one(url: str) -> None:
    appender = Appender(url)
    await appender.start()
    assert await appender.append(request(event(uuid4()))) == Stored(1)
    await appender.stop()


async def test_migrating_again_and_all_at_once_changes_nothing(empty_database: TestDatabase) -> None:
    await asyncio.gather(*(migrate(empty_database.owner, empty_database.app) for _ in range(4)))
    await append_one(empty_database.app)

    await migrate(empty_database.owner, empty_database.app)

    with empty_database.connect() as connection:
        assert connection.execute("select position from log_head").fetchone() == (1,)
        assert connection.execute("select count(*) from accounts").fetchone() == (1,)
        applied = connection.execute("select number from surefill.migrations order by number").fetchall()
        assert [number for (number,) in applied] == [migration.number for migration in migrations("log")]


async def test_two_schemas_of_one_database_are_two_logs(empty_database: TestDatabase) -> None:
    for schema in ("public", "Second_1"):
        owner, app = (f"{url}?schema={schema}" for url in (empty_database.owner, empty_database.app))
        await migrate(owner, app)
        await append_one(app)
        with psycopg.connect(parse(app).conninfo) as connection:
            assert connection.execute("select position from log_head").fetchone() == (1,)
            [(found,)] = connection.execute(
                "select schemaname from pg_tables where tablename = 'leases'"
                " and schemaname = any(current_schemas(false))"
            ).fetchall()
            assert found == f"{schema}_app"


async def test_one_role_may_be_both(empty_database: TestDatabase) -> None:
    await migrate(empty_database.owner, empty_database.owner)
    await append_one(empty_database.owner)

    async with await psycopg.AsyncConnection.connect(parse(empty_database.owner).conninfo) as connection:
        assert not await roles_separate(connection)


async def test_the_applications_role_is_made_when_it_is_missing(
    empty_database: TestDatabase, postgres: EmbeddedPostgres
) -> None:
    name = empty_database.owner.rpartition("/")[2]
    app = postgres.url("Neu-ling", "p%20ss'word", name)

    await migrate(empty_database.owner, app)
    await append_one(app)

    with psycopg.connect(postgres.superuser, autocommit=True) as connection:
        [(kept,)] = connection.execute("select rolpassword from pg_authid where rolname = 'Neu-ling'").fetchall()
        assert kept.startswith("SCRAM-SHA-256$")


async def test_a_role_that_cannot_be_made_is_one_sentence(
    empty_database: TestDatabase, postgres: EmbeddedPostgres
) -> None:
    await migrate(empty_database.owner, empty_database.app)
    name = empty_database.owner.rpartition("/")[2]

    with pytest.raises(MigrationError, match="there is no role nobody_yet, and surefill may not create one"):
        await migrate(empty_database.app, postgres.url("nobody_yet", "pw", name))


@pytest.mark.parametrize("side", ["log", "app"])
async def test_a_database_newer_than_the_code_is_refused(side: str, database: TestDatabase) -> None:
    with database.connect(as_owner=side == "log") as connection:
        schema = "surefill" if side == "log" else "surefill_app"
        connection.execute(f"insert into {schema}.migrations values (99, '0099_from_tomorrow')".encode())

    with pytest.raises(MigrationError, match=f"newer than this code: it has {side} migration 99"):
        await migrate(database.owner, database.app)


async def test_a_server_that_is_not_there_is_one_sentence_without_the_password() -> None:
    url = "postgresql://surefill:geheim@127.0.0.1:9/surefill"

    with pytest.raises(LogUnavailableError, match=r"cannot connect to postgresql://surefill@127\.0\.0\.1:9") as raised:
        await migrate(url, url)

    assert "geheim" not in str(raised.value)
