"""The projector's memory of rows: never ahead of the read model that PostgreSQL has."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from event_store.processors.leases import Lease
from projections.orders import PROCESSOR
from projections.projector import OrdersProjector
from tests.integration.feeds import following
from tests.integration.verification.conftest import MAPPER, AuditHarness


async def test_what_a_crash_took_back_is_folded_again_and_not_remembered(audit: AuditHarness) -> None:
    # An order that rests for long: no later event would bring its row back.
    order_id = await audit.submit(type="limit", limit_price=Decimal(200), deadline=None)
    async with following(audit.log) as feed, Lease(audit.pool, PROCESSOR, owner="test").hold() as lease:
        projector = asyncio.create_task(OrdersProjector(audit.pool, feed, MAPPER).run(lease))
        await _row_is_there(audit)
        # A crash of PostgreSQL loses the last transactions as a whole: the row and the position that came with it.
        with audit.database.connect() as app, app.transaction():
            app.execute("delete from orders_v1")
            app.execute("delete from positions where processor = %s", [PROCESSOR])

        await _row_is_there(audit)

        assert not projector.done()
        projector.cancel()
        await asyncio.gather(projector, return_exceptions=True)
    with audit.database.connect() as app:
        assert app.execute("select order_id, version from orders_v1").fetchall() == [(order_id, 1)]


async def _row_is_there(audit: AuditHarness) -> None:
    async with asyncio.timeout(10):
        while True:
            with audit.database.connect() as app:
                rows = app.execute("select from orders_v1 join positions on processor = %s", [PROCESSOR]).fetchall()
            if rows:
                return
            await asyncio.sleep(0.02)
