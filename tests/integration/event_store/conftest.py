from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from psycopg_pool import AsyncConnectionPool

from event_store.appender import Appender
from event_store.log import Log
from event_store.pool import connection_pool
from tests.integration.conftest import TestDatabase


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
