"""A read model changes its table while clients submit, list and wait, and nobody notices."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
from psycopg_pool import AsyncConnectionPool

from event_store.dsn import parse
from event_store.pool import connection_pool
from event_store.processors.leases import Lease
from event_store.read.log import Log
from projections.orders import PROCESSOR
from projections.orders.comparison import REBUILDER, Comparison
from projections.projector import OrdersProjector
from projections.rebuild import OrdersRebuild
from tests.integration.api.serving import MAPPER, Engine
from tests.integration.api.test_read import TO_CONFIRMED
from tests.integration.conftest import TestDatabase
from tests.integration.feeds import following
from tests.integration.projections.onlooking import Onlooker

REBUILDS = 4


async def rebuild(pool: AsyncConnectionPool) -> Comparison:
    async with Lease(pool, REBUILDER, owner="test").hold(0) as lease:
        return await OrdersRebuild(pool, Log(pool), MAPPER, Onlooker()).run(lease)


async def project(pool: AsyncConnectionPool, owner: str) -> None:
    async with following(Log(pool)) as feed, Lease(pool, PROCESSOR, owner=owner).hold() as lease:
        await OrdersProjector(pool, feed, MAPPER).run(lease)


@contextlib.asynccontextmanager
async def over_and_over(*acts: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Do each of them again and again beside the body; a failure of one fails the body."""

    async def repeat(act: Callable[[], Awaitable[None]]) -> None:
        while True:
            await act()
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        repeating = [tasks.create_task(repeat(act)) for act in acts]
        yield
        for task in repeating:
            task.cancel()


async def test_orders_flow_and_lists_are_whole_across_the_swaps_and_across_a_projectors_end(
    engine: Engine, database: TestDatabase
) -> None:
    counted, listed = [0], [0]

    async def trade() -> None:
        accepted = await engine.submit()
        await engine.tell(accepted["orderId"], *TO_CONFIRMED)

    async def submit_and_find() -> None:
        accepted = await engine.submit()
        answer = await engine.http.get("/api/orders", params={"position": accepted["position"], "limit": 200})
        assert answer.status_code == 200, answer.text
        assert accepted["orderId"] in [item["orderId"] for item in answer.json()["items"]]
        listed[0] += 1

    async with (
        connection_pool(database.app, max_size=8) as pool,
        await psycopg.AsyncConnection.connect(parse(database.app).conninfo, autocommit=True) as reader,
    ):

        async def count() -> None:
            """By a plan that was prepared for the table that was there first."""
            row = await (await reader.execute("select count(*) from orders_v1", prepare=True)).fetchone()
            assert row is not None and row[0] >= counted[-1]
            counted.append(row[0])

        projectors = [asyncio.create_task(project(pool, owner)) for owner in ("first", "second")]
        rebuilt = []
        async with over_and_over(trade, trade, submit_and_find, count):
            while listed[0] < 5:
                await asyncio.sleep(0.01)
            for number in range(REBUILDS):
                if number == REBUILDS // 2:
                    projectors[0].cancel()
                before = listed[0]
                rebuilt.append(await rebuild(pool))
                while listed[0] < before + 3:
                    await asyncio.sleep(0.01)
        rebuilt.append(await rebuild(pool))
        assert not projectors[1].done()
        projectors[1].cancel()
        await asyncio.gather(*projectors, return_exceptions=True)
        head = await Log(pool).head()
    assert [one.findings for one in rebuilt] == [()] * (REBUILDS + 1)
    positions = [one.position for one in rebuilt]
    assert positions == sorted(set(positions)) and positions[-1] <= head
