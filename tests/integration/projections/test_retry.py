"""A read model takes an order up again beside its running projector: rows and position agree, whatever the moment."""

from __future__ import annotations

import asyncio
from uuid import UUID

import psycopg

from domain.commands import RejectBuild
from event_store.errors import UnreadableEventError
from event_store.processors import dead_letters
from event_store.processors.dead_letters import DeadLetter
from event_store.processors.leases import Lease
from projections.orders import PROCESSOR
from projections.orders.retry import retry
from projections.projector import OrdersProjector
from tests.integration.feeds import following
from tests.integration.verification.conftest import MAPPER, AuditHarness
from tests.integration.workers.harness import now
from tests.unit.domain.scenario import quote, quoted


async def take(audit: AuditHarness, order_id: UUID) -> UnreadableEventError | None:
    async with audit.pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
        return await retry(cursor, audit.log, MAPPER, order_id)


async def letters(audit: AuditHarness) -> list[DeadLetter]:
    async with audit.pool.connection() as connection, connection.cursor() as cursor:
        return await dead_letters.list_all(cursor)


async def go_on(audit: AuditHarness, order_id: UUID, times: int) -> None:
    """Two more events a time."""
    for _ in range(times):
        history = (await audit.orders.load([order_id])).orders[order_id]
        routed = await audit.orders.execute(history, quoted(quote(), now=now()))
        await audit.orders.execute(routed, RejectBuild("program_error", "refused", (), now()))


async def test_what_still_cannot_be_read_stays_aside_and_says_so(audit: AuditHarness, three_orders: list[UUID]) -> None:
    audit.change("update events set topic = 'order.FromTheFuture' where position = 4")
    await audit.forget_read_model()
    [before] = await letters(audit)
    assert (before.processor, before.order_id, before.position, before.attempts) == (PROCESSOR, three_orders[1], 4, 1)
    assert str(await take(audit, three_orders[1])) == "order.FromTheFuture: UnknownTopicError"
    [after] = await letters(audit)
    assert (after.since, after.attempts) == (before.since, 2)
    audit.change("update events set topic = 'order.OrderTriggered' where position = 4")
    assert await take(audit, three_orders[1]) is None
    assert await letters(audit) == []
    verified = await audit.verify()
    assert verified.of("differs") == verified.of("unchecked") == []


async def test_orders_taken_up_while_the_projector_passes_over_their_events_have_all_of_them(
    audit: AuditHarness,
) -> None:
    orders = [await audit.submit() for _ in range(12)]
    for order_id in orders:
        audit.change("update events set topic = 'order.FromTheFuture' where stream_id = %s and version = 2", order_id)
    await audit.project()
    assert len(await letters(audit)) == 12
    audit.change("update events set topic = 'order.OrderTriggered' where topic = 'order.FromTheFuture'")

    async def project() -> None:
        async with following(audit.log) as feed, Lease(audit.pool, PROCESSOR, owner="test").hold() as lease:
            await OrdersProjector(audit.pool, feed, MAPPER).run(lease)

    projector = asyncio.create_task(project())
    going_on = [asyncio.create_task(go_on(audit, order_id, 10)) for order_id in orders]
    for order_id in orders:
        await asyncio.sleep(0.03)  # in the midst of the others' events
        assert await take(audit, order_id) is None
    await asyncio.gather(*going_on)
    assert not projector.done(), projector.exception()
    projector.cancel()
    await asyncio.gather(projector, return_exceptions=True)
    await audit.project()
    assert await letters(audit) == []
    verified = await audit.verify()
    assert verified.of("differs") == verified.of("unchecked") == []
    assert verified.report.looked_at["orders"] == 12


async def test_a_projector_that_has_passed_over_an_order_is_waited_for(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    audit.change("update events set topic = 'order.FromTheFuture' where position = 4")
    await audit.forget_read_model()
    audit.change("update events set topic = 'order.OrderTriggered' where position = 4")
    async with audit.pool.connection() as projecting, projecting.transaction(), projecting.cursor() as cursor:
        assert await dead_letters.among(cursor, PROCESSOR, three_orders) == [three_orders[1]]
        taking = asyncio.create_task(take(audit, three_orders[1]))
        await asyncio.sleep(0.3)
        assert not taking.done()
        await go_on(audit, three_orders[1], 1)
        await cursor.execute("update positions set position = 8 where processor = %s", [PROCESSOR])
    assert await taking is None
    with psycopg.connect(audit.superuser) as connection:
        connection.execute("set search_path to surefill_app, surefill")
        found = connection.execute("select version from orders_v1 where order_id = %s", [three_orders[1]]).fetchall()
    assert found == [(4,)]
