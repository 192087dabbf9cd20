"""The work table's own rules, in the database that keeps them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.integration.workers.conftest import EngineHarness
from workers.dispatch.work import SETBACK


async def test_what_fails_again_and_again_is_postponed_for_longer_each_time_up_to_the_longest(engine: EngineHarness):
    order_id = await engine.submit()
    async with engine.pool.connection() as connection:
        await connection.execute(
            "insert into work (order_id, stage, version, due_at, tries) values (%s, 'execute', 2, now(), 0)", [order_id]
        )
    waits: list[float] = []
    for _ in range(len(SETBACK.waits()) + 1):
        await engine.work.postpone(order_id, 2)
        async with engine.pool.connection() as connection:
            cursor = await connection.execute("select due_at - clock_timestamp() from work where stage = 'execute'")
            [wait] = await cursor.fetchone() or ()
        assert isinstance(wait, timedelta)
        waits.append(wait.total_seconds())
    # The database's clock goes on between the two statements.
    assert waits == pytest.approx([0.25, 0.5, 1, 2, 4, 5, 5], abs=0.1)
