"""The projector's memory of rows: never ahead of the read model that PostgreSQL has."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.commands import RequestCancel
from event_store.processors.leases import Lease
from event_store.types import RecordedEvent
from projections.orders import PROCESSOR
from projections.projector import OrdersProjector
from tests.integration.feeds import following
from tests.integration.projections.test_rebuild import rebuild
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


@pytest.mark.parametrize(
    "change",
    [
        "delete from orders_v1",
        "update orders_v1 set version = 0",
        "update orders_v1 set state = '7'",
    ],
)
async def test_a_row_that_was_taken_away_or_changed_is_folded_from_the_log_and_stops_no_other_order(
    change: str, audit: AuditHarness
) -> None:
    spoilt, other = [await audit.submit(type="limit", limit_price=Decimal(200), deadline=None) for _ in range(2)]
    await audit.project()
    with audit.database.connect() as app:
        before = app.execute("select first_position from orders_v1 order by order_id").fetchall()
        app.execute(f"{change} where order_id = %s", [spoilt])
    loaded = (await audit.orders.load([spoilt, other])).orders
    for order_id in (spoilt, other):
        await audit.orders.execute(loaded[order_id], RequestCancel())

    await audit.project()  # a projector that begins anew, and has no row in its memory

    with audit.database.connect() as app:
        rows = app.execute("select order_id, status, first_position from orders_v1 order by order_id").fetchall()
    assert rows == [(spoilt, "cancelled", *before[0]), (other, "cancelled", *before[1])]
    assert (await audit.verify()).findings == []


async def test_a_nul_that_an_older_version_recorded_stops_nothing(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    def with_nul(event: RecordedEvent) -> RecordedEvent:
        return replace(event, state=event.state.replace(b'"localnet"', rb'"local\u0000net"'))

    audit.rewrite(with_nul)

    await audit.forget_read_model()

    with audit.database.connect() as app:
        networks = app.execute("select state ->> 'network' from orders_v1").fetchall()
    assert networks == [("local\ufffdnet",)] * 3
    assert not (await audit.verify()).of("differs")
    assert (await rebuild(audit)).differing == 0


async def _row_is_there(audit: AuditHarness) -> None:
    async with asyncio.timeout(10):
        while True:
            with audit.database.connect() as app:
                rows = app.execute("select from orders_v1 join positions on processor = %s", [PROCESSOR]).fetchall()
            if rows:
                return
            await asyncio.sleep(0.02)
