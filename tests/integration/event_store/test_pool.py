"""A pooled connection that becomes free in the moment in which its waiter is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from event_store.pool import connection_pool
from tests.integration.conftest import TestDatabase


async def test_who_is_cancelled_while_a_connection_becomes_free_is_cancelled_and_leaves_it(
    database: TestDatabase,
) -> None:
    async with connection_pool(database.app, max_size=1) as pool:
        held = await pool.getconn()
        waiting = asyncio.create_task(pool.getconn())
        await asyncio.sleep(0.1)
        await pool.putconn(held)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(waiting, 5)
        async with pool.connection() as connection:
            await connection.execute("select 1")
