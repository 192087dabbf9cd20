"""Callers of the pool that are cancelled at any moment: no connection is lost by it."""

from __future__ import annotations

import asyncio
import random

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


async def test_callers_cancelled_at_any_moment_lose_no_connection(database: TestDatabase) -> None:
    async def use() -> None:
        while True:
            async with pool.connection() as connection:
                await connection.execute("select 1")

    chance = random.Random(1)
    async with connection_pool(database.app, min_size=2, max_size=2) as pool:
        until = asyncio.get_running_loop().time() + 2
        while asyncio.get_running_loop().time() < until:
            callers = [asyncio.create_task(use()) for _ in range(8)]
            for caller in chance.sample(callers, 8):
                await asyncio.sleep(chance.random() * 0.002)
                caller.cancel()
            await asyncio.gather(*callers, return_exceptions=True)
        held = [await pool.getconn(), await pool.getconn()]
        for connection in held:
            await connection.execute("select 1")
            await pool.putconn(connection)
