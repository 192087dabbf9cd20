"""The table of guards stays cheap, however many guards there are and were."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.integration.conftest import TestDatabase
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_execution import QUICK
from workers.execution.executor import Executor
from workers.reclaim.guard_table import _DUE, _NEXT_DUE, _ON_THEIR_WAY

# Returned ones, on their way, kept, and postponed: as after months, and one second's worth that is due.
MANY = """
insert into guards (order_id, account_id, since, lamports, largest, not_before, reclaim, returned)
select gen_random_uuid(), gen_random_uuid(), clock_timestamp() - n * interval '1 minute', 2039280, 21,
       case when n % 100 = 7 then clock_timestamp() + interval '1 day' end,
       case when n > 5000 then gen_random_uuid() end,
       n > 5020
from generate_series(1, 60000) as n
"""


async def test_what_is_due_is_found_by_an_index_alone(engine: EngineHarness) -> None:
    async with engine.pool.connection() as connection:
        await connection.execute(MANY)
        await connection.execute("analyze guards")
        for query in (_DUE, _NEXT_DUE, _ON_THEIR_WAY):
            arguments: dict[str, Any] = {"keep": timedelta(hours=80), "limit": 200}
            plan = await (await connection.execute(b"explain " + query, arguments)).fetchall()
            text = "\n".join(row[0] for row in plan)
            assert "Seq Scan on guards" not in text, text
            assert "guards_" in text, text


CUT = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock' and query like '%insert into guards%'
"""


async def test_an_order_whose_row_could_not_be_written_has_it_once_it_can(
    engine: EngineHarness, database: TestDatabase
) -> None:
    """The write is under way when its connection is cut; another order ends after that."""
    engine.start_reclaimer("1h")
    engine.start_tracker(QUICK)
    executor, ids = engine.executor(), []
    with database.connect() as blocking:
        with blocking.transaction():
            blocking.execute("lock table guards in exclusive mode")
            ids.append(await executed(engine, executor))
            with database.connect() as killer:
                async with asyncio.timeout(10):
                    while not killer.execute(CUT).fetchall():
                        await asyncio.sleep(0.02)
        ids.append(await executed(engine, executor))
        async with asyncio.timeout(10):
            while blocking.execute("select count(*) from guards where order_id = any(%s)", [ids]).fetchall() != [(2,)]:
                await asyncio.sleep(0.02)


async def executed(engine: EngineHarness, executor: Executor) -> UUID:
    order_id = await engine.submit()
    await engine.execute(order_id, executor=executor)
    await engine.until(order_id, lambda order: order.ended)
    return order_id
