"""Real servers for the tests: one PostgreSQL and one Valkey a run, a fresh migrated database a test."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
import uvloop
from psycopg import sql

from event_store.dsn import parse
from event_store.schema.migrate import migrate
from tests.integration.embedded import EmbeddedPostgres, EmbeddedValkey
from tests.integration.warm import Warm, commands


@dataclass(frozen=True)
class TestDatabase:
    """A database's URLs, as the owner of the log and as the application."""

    __test__ = False

    owner: str
    app: str

    @property
    def name(self) -> str:
        return str(parse(self.owner)).rpartition("/")[2].partition("?")[0]

    def connect(self, *, as_owner: bool = False) -> psycopg.Connection:
        """A blocking autocommit connection with our search path, to look behind the code under test."""
        return psycopg.connect(parse(self.owner if as_owner else self.app).conninfo, autocommit=True)


def superuser_url(postgres: EmbeddedPostgres, database: TestDatabase) -> str:
    """Whoever may go behind the log's triggers."""
    return postgres.url("postgres", postgres.password, database.name)


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres()
    try:
        server.start()
        with psycopg.connect(server.superuser, autocommit=True) as connection:
            connection.execute("create role surefill_owner login createrole createdb password 'owner'")
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def migrated(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The name of a migrated database that is copied and never used itself: to migrate takes five times as long."""
    with new_database(postgres) as database:
        asyncio.run(migrate(database.owner, database.app))
        yield database.name


@pytest.fixture
def empty_database(postgres: EmbeddedPostgres) -> Iterator[TestDatabase]:
    """A database nobody migrated yet; the application's role is one a test run makes once."""
    with new_database(postgres) as database:
        yield database


@pytest.fixture
def database(postgres: EmbeddedPostgres, migrated: str) -> Iterator[TestDatabase]:
    with new_database(postgres, like=migrated) as database:
        yield database


@contextmanager
def new_database(postgres: EmbeddedPostgres, *, like: str = "template1") -> Iterator[TestDatabase]:
    """A copy of the database ``like``, which nobody may be connected to; dropped at the end."""
    name = f"t_{os.getpid()}_{secrets.token_hex(4)}"
    # As files: what the first connection would else make anew, of the catalog, comes with them.
    made = sql.SQL("create database {} owner surefill_owner template {} strategy file_copy")
    postgres.administer(made.format(sql.Identifier(name), sql.Identifier(like)))
    yield TestDatabase(
        owner=postgres.url("surefill_owner", "owner", name), app=postgres.url("surefill", "surefill", name)
    )
    postgres.administer(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def warm() -> Warm:
    return commands()


@pytest.fixture(scope="session")
def valkey() -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey()
    server.start()
    yield server
    server.stop()
