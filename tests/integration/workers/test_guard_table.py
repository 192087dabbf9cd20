"""The table of guards stays cheap, however many guards there are and were."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.integration.workers.harness import EngineHarness
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
