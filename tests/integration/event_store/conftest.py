from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from event_store.append.appender import Appender
from event_store.pool import connection_pool
from event_store.read.log import Log
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedPostgres


@pytest.fixture
async def pool(database: TestDatabase) -> AsyncIterator[AsyncConnectionPool]:
    async with connection_pool(database.app, max_size=8) as pool:
        yield pool


@pytest.fixture
def log(pool: AsyncConnectionPool) -> Log:
    return Log(pool)


@pytest.fixture
async def appender(database: TestDatabase) -> AsyncIterator[Appender]:
    appender = Appender(database.app)
    await appender.start()
    yield appender
    await appender.stop()


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A server a test may stop."""
    server = EmbeddedPostgres()
    try:
        server.start()
        with psycopg.connect(server.superuser, autocommit=True) as connection:
            connection.execute("create role surefill_owner login createrole password 'owner'")
            connection.execute("create database surefill owner surefill_owner")
        yield server
    finally:
        server.remove()
