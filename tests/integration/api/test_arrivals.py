"""However many wait for a list to show a position, one of them at a time asks the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from event_store.pool import connection_pool
from projections.errors import ProjectionBehindError
from projections.orders import PROCESSOR
from projections.orders.queries import OrderList
from tests.integration.conftest import TestDatabase

MANY = 300
COMMIT = 'insert into positions values (%s, %s) on conflict (processor) do update set "position" = excluded."position"'


class CountingList(OrderList):
    """Counts how often the database is asked, and how many times at once."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        super().__init__(pool)
        self.asked = self.at_once = self.most_at_once = 0

    async def position(self) -> int:
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await super().position()
        finally:
            self.at_once -= 1


@pytest.fixture
async def orders(database: TestDatabase) -> AsyncIterator[CountingList]:
    async with connection_pool(database.app) as pool:
        yield CountingList(pool)


def come_to(database: TestDatabase, position: int) -> None:
    with database.connect() as connection:
        connection.execute(COMMIT, [PROCESSOR, position])


async def test_many_wait_by_one_poll_and_each_returns_at_its_own_position(
    orders: CountingList, database: TestDatabase
) -> None:
    early = [asyncio.create_task(orders.wait_for(5, 10)) for _ in range(MANY)]
    late = [asyncio.create_task(orders.wait_for(9, 10)) for _ in range(MANY)]
    come_to(database, 5)
    await asyncio.gather(*early)
    assert not any(one.done() for one in late)
    come_to(database, 9)
    await asyncio.gather(*late)
    assert orders.most_at_once == 1
    assert orders.asked < MANY / 2


async def test_what_is_reached_already_is_not_waited_for(orders: CountingList, database: TestDatabase) -> None:
    come_to(database, 5)
    behind = asyncio.create_task(orders.wait_for(6, 10))
    async with asyncio.timeout(5):
        for position in range(6):
            await orders.wait_for(position, 10)
    assert not behind.done()
    come_to(database, 6)
    await behind


async def test_whoever_gives_up_leaves_the_others_waiting_and_at_last_nobody_asks(
    orders: CountingList, database: TestDatabase
) -> None:
    patient = asyncio.create_task(orders.wait_for(1, 10))
    with pytest.raises(ProjectionBehindError):
        await orders.wait_for(1, 0.1)
    gone = asyncio.create_task(orders.wait_for(1, 10))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert not patient.done()
    come_to(database, 1)
    await patient
    async with asyncio.timeout(5):
        while any(task.get_name() == "arrivals" for task in asyncio.all_tasks()):
            await asyncio.sleep(0.01)


async def test_an_outage_is_everybodys_who_waits_and_the_next_asks_anew(
    orders: CountingList, database: TestDatabase
) -> None:
    with database.connect() as connection:
        connection.execute("alter table positions rename to hidden")
    waiting = [asyncio.create_task(orders.wait_for(1, 10)) for _ in range(3)]
    failures = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in failures] == [psycopg.errors.UndefinedTable] * 3
    with database.connect() as connection:
        connection.execute("alter table hidden rename to positions")
    come_to(database, 1)
    await orders.wait_for(1, 10)
