"""Brings a database to this code's schema by numbered migrations, each of which runs once. There is no way back.

The files of ``migrations/log`` run as the owner and those of ``migrations/app`` as the application, each side in one
transaction, under one lock, in its own schema with its own table of the migrations that have run. Owner and application
may be the same role: then only the triggers keep the log immutable, and ``roles_separate`` is false.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import AsyncConnection, AsyncCursor, sql

from event_store.dsn import Database, parse
from event_store.errors import LogUnavailableError, MigrationError

_DIRECTORY = Path(__file__).parent / "migrations"
_LOCK = 7_311_902_640_021
_GRANTS = (_DIRECTORY / "grants.sql").read_text()
_APPLIED = (_DIRECTORY / "applied.sql").read_bytes()


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    text: bytes


def migrations(side: str) -> list[Migration]:
    """The migrations of ``log`` or ``app`` in their order; their numbers are 1, 2, 3... without a gap."""
    found = [
        Migration(int(path.name[:4]), path.stem, path.read_bytes())
        for path in sorted((_DIRECTORY / side).glob("[0-9][0-9][0-9][0-9]_*.sql"))
    ]
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"migrations/{side}: the numbers have a hole")
    return found


async def migrate(owner_dsn: str, app_dsn: str) -> None:
    """Run the migrations that have not run yet. Both arguments are database URLs and may be equal.

    Raises ``MigrationError`` with the reason in one sentence, and ``LogUnavailableError`` when PostgreSQL cannot be
    reached.
    """
    owner = parse(owner_dsn, application_name="surefill migrate")
    app = parse(app_dsn, application_name="surefill migrate")
    if (owner.log_schema, owner.app_schema) != (app.log_schema, app.app_schema):
        raise MigrationError("the owner's database URL and the application's name different schemas")
    async with await _connect(owner) as connection, connection.transaction(), connection.cursor() as cursor:
        # The security definer functions keep this search path. It must not name a schema in which the application may
        # create objects: they would run with the owner's rights.
        await _begin(cursor, [owner.log_schema])
        await _ensure_role(connection, cursor, owner, app)
        for schema in (owner.log_schema, owner.app_schema):
            await _ensure_schema(cursor, schema)
        await _apply(cursor, "log")
        if app.user != owner.user:
            await cursor.execute(
                sql.SQL(_GRANTS).format(
                    log=sql.Identifier(owner.log_schema),
                    app=sql.Identifier(owner.app_schema),
                    role=sql.Identifier(app.user),
                )
            )
    async with await _connect(app) as connection, connection.transaction(), connection.cursor() as cursor:
        await _begin(cursor, [app.app_schema, app.log_schema])
        await _apply(cursor, "app")


async def roles_separate(connection: AsyncConnection) -> bool:
    """Whether this connection's role lacks the rights to change the log, whatever the triggers say."""
    cursor = await connection.execute((_DIRECTORY / "roles_separate.sql").read_bytes())
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def _connect(database: Database) -> AsyncConnection:
    try:
        return await AsyncConnection.connect(database.conninfo, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise LogUnavailableError(f"cannot connect to {database}: {_first_line(error)}") from None


async def _begin(cursor: AsyncCursor, search_path: list[str]) -> None:
    path = sql.SQL(", ").join(map(sql.Identifier, [*search_path, "pg_temp"]))
    await cursor.execute(sql.SQL("set local search_path = {}").format(path))
    await cursor.execute("select pg_advisory_xact_lock(%s)", [_LOCK])


async def _ensure_schema(cursor: AsyncCursor, schema: str) -> None:
    # CREATE SCHEMA IF NOT EXISTS needs the right to create even where the schema exists.
    await cursor.execute("select from pg_namespace where nspname = %s", [schema])
    if cursor.rowcount:
        return
    try:
        await cursor.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise MigrationError(f"the owner may not create the schema {schema}: {_first_line(error)}") from None


async def _ensure_role(connection: AsyncConnection, cursor: AsyncCursor, owner: Database, app: Database) -> None:
    await cursor.execute("select from pg_roles where rolname = %s", [app.user])
    if cursor.rowcount or app.user == owner.user:
        return
    await cursor.execute("select rolcreaterole or rolsuper from pg_roles where rolname = current_user")
    may = await cursor.fetchone()
    if may is None or not may[0]:
        raise MigrationError(f"there is no role {app.user}, and {owner.user} may not create one")
    if app.password is None:
        raise MigrationError(f"there is no role {app.user}, and its database URL has no password to create it with")
    # The verifier is sent and not the password: the server may log this statement.
    verifier = connection.pgconn.encrypt_password(app.password.encode(), app.user.encode(), b"scram-sha-256").decode()
    await cursor.execute(
        sql.SQL("create role {} login password {}").format(sql.Identifier(app.user), sql.Literal(verifier))
    )


async def _apply(cursor: AsyncCursor, side: str) -> None:
    await cursor.execute(_APPLIED)
    await cursor.execute("select coalesce(max(number), 0) from migrations")
    row = await cursor.fetchone()
    done = int(row[0]) if row else 0
    known = migrations(side)
    if done > len(known):
        raise MigrationError(
            f"the database is newer than this code: it has {side} migration {done}, this code knows {len(known)}"
        )
    for migration in known[done:]:
        await cursor.execute(migration.text)
        await cursor.execute("insert into migrations values (%s, %s)", [migration.number, migration.name])


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
