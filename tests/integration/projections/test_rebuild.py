"""A read model rebuilt from the log: what was changed in the old one is named and kept, and no name is another."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.commands import AmendOrder
from domain.events import ORDER_EVENTS
from event_store.errors import LeaseLostError, LeaseTakenError
from event_store.mapper import EventMapper
from event_store.processors.leases import Lease
from event_store.read.snapshot import snapshot
from projections.errors import TableInUseError
from projections.orders import NAME, PROCESSOR
from projections.orders.comparison import REBUILDER, Comparison
from projections.projector import OrdersProjector
from projections.rebuild import OrdersRebuild
from tests.integration.feeds import following
from tests.integration.projections.onlooking import Onlooker
from tests.integration.verification.conftest import MAPPER, AuditHarness
from tests.integration.workers.harness import now

SHAPE = """
    select 'column', attnum::text, attname, format_type(atttypid, atttypmod), attnotnull::text
    from pg_attribute where attrelid = 'orders_v1'::regclass and attnum > 0
    union all select 'index', '', indexname, indexdef, '' from pg_indexes where tablename = 'orders_v1'
    union all select 'constraint', '', conname, pg_get_constraintdef(oid), ''
    from pg_constraint where conrelid = 'orders_v1'::regclass
    union all select 'table', relpersistence::text, relname, reloptions::text, relowner::regrole::text
    from pg_class where oid = 'orders_v1'::regclass
    order by 1, 2, 3
"""
LEFT = "select relname from pg_class where relname like 'orders_v1%'"


async def rebuild(audit: AuditHarness, onlooker: Onlooker | None = None, *, patience: float = 20.0) -> Comparison:
    rebuilding = OrdersRebuild(audit.pool, audit.log, MAPPER, onlooker or Onlooker(), patience=patience)
    async with Lease(audit.pool, REBUILDER, owner="test").hold(0) as lease:
        return await rebuilding.run(lease)


def said(compared: Comparison) -> dict[UUID | None, str]:
    return {one.stream_id: one.what for one in compared.findings}


@contextlib.asynccontextmanager
async def projecting(audit: AuditHarness) -> AsyncIterator[asyncio.Task[None]]:
    async def project() -> None:
        lease = Lease(audit.pool, PROCESSOR, owner="test", ttl=1.0, renew_every=0.1)
        async with following(audit.log) as feed, lease.hold():
            await OrdersProjector(audit.pool, feed, MAPPER).run(lease)

    task = asyncio.create_task(project())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_rebuilt_model_equals_the_one_it_replaces_down_to_every_name(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    with audit.database.connect() as app:
        before = app.execute(SHAPE).fetchall(), app.execute("table orders_v1 order by order_id").fetchall()
        tables = app.execute(LEFT).fetchall()

        compared = await rebuild(audit)

        assert (compared.differing, compared.position, compared.orders) == (0, 6, 3)
        assert len(compared.checksum) == 64
        after = app.execute(SHAPE).fetchall(), app.execute("table orders_v1 order by order_id").fetchall()
        assert after == before
        assert sorted(app.execute(LEFT).fetchall()) == sorted(tables)
        assert app.execute("select processor from positions").fetchall() == [(PROCESSOR,)]
    assert (await rebuild(audit)).checksum == compared.checksum
    assert (await audit.verify()).findings == []


async def test_an_empty_log_is_rebuilt_too(audit: AuditHarness) -> None:
    assert (await rebuild(audit)).orders == 0


async def test_what_was_changed_by_hand_is_named_by_verify_named_by_rebuild_and_kept(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    stranger = audit.tamper(three_orders)
    with audit.database.connect() as app:
        changed = app.execute("table orders_v1 order by order_id").fetchall()
    found = (await audit.verify()).of("differs", "read models")
    assert {one.stream_id for one in found} == {*three_orders, stranger}
    assert {one.remedy for one in found} == {"Rebuild the read model from the log: surefill rebuild orders"}

    compared = await rebuild(audit)

    assert compared.differing == 4
    assert said(compared) == {
        three_orders[0]: "orders_v1: its row differed from the fold in status",
        three_orders[1]: "orders_v1: its row differed from the fold in state.amount_in",
        three_orders[2]: "orders_v1: had no row",
        stranger: "orders_v1: had a row that the log does not account for",
    }
    with audit.database.connect() as app:
        assert app.execute("table orders_v1_replaced order by order_id").fetchall() == changed
    assert (await audit.verify()).findings == []

    assert (await rebuild(audit)).differing == 0
    with audit.database.connect() as app:
        assert app.execute("select to_regclass('orders_v1_replaced')").fetchone() == (None,)


@pytest.mark.parametrize("state", ["'7'", "'[]'", "'null'", "state || '{\"slippage_bps\": 50.0}'"])
async def test_a_state_that_is_none_or_only_written_otherwise_differs_too(
    state: str, audit: AuditHarness, three_orders: list[UUID]
) -> None:
    with audit.database.connect() as app:
        app.execute(f"update orders_v1 set state = {state} where order_id = %s", [three_orders[1]])

    compared = await rebuild(audit)

    assert compared.differing == 1
    assert "state.slippage_bps" in said(compared)[three_orders[1]]


async def test_of_many_that_differ_ten_are_named_and_all_are_counted(audit: AuditHarness) -> None:
    for _ in range(12):
        await audit.submit()
    await audit.project()
    with audit.database.connect() as app:
        app.execute("update orders_v1 set version = version + 1")

    compared = await rebuild(audit)

    assert (compared.differing, len(compared.findings)) == (12, 10)


async def test_an_order_that_does_not_fold_is_set_aside_in_both(audit: AuditHarness, three_orders: list[UUID]) -> None:
    audit.change("update events set topic = 'order.FromTheFuture' where position = 4")
    await audit.forget_read_model()
    dead_letters = "select processor, order_id, position, error from dead_letters"
    with audit.database.connect() as app:
        before = app.execute(dead_letters).fetchall()
        assert [row[:3] for row in before] == [(PROCESSOR, three_orders[1], 4)]

        assert (await rebuild(audit)).differing == 0

        assert app.execute(dead_letters).fetchall() == before


async def test_an_order_that_folds_again_is_taken_up_and_said(audit: AuditHarness, three_orders: list[UUID]) -> None:
    audit.change("update events set topic = 'order.FromTheFuture' where position = 4")
    await audit.forget_read_model()
    audit.change("update events set topic = 'order.OrderTriggered' where position = 4")

    compared = await rebuild(audit)

    assert said(compared)[three_orders[1]].endswith("; was a dead letter, and folds now")
    with audit.database.connect() as app:
        assert app.execute("table dead_letters").fetchall() == []
    assert (await audit.verify()).of("differs", "read models") == []


async def test_a_second_rebuild_at_once_is_refused(audit: AuditHarness, three_orders: list[UUID]) -> None:
    async with Lease(audit.pool, REBUILDER, owner="a.host:7").hold():
        with pytest.raises(LeaseTakenError, match=r"rebuild:orders_v1 is held by a\.host:7"):
            await rebuild(audit)


async def test_a_rebuild_that_lost_its_lease_changes_nothing(audit: AuditHarness, three_orders: list[UUID]) -> None:
    class Robbed(Onlooker):
        def compares(self) -> None:
            with audit.database.connect() as app:
                app.execute("update leases set epoch = epoch + 1 where processor = %s", [REBUILDER])

    with audit.database.connect() as app:
        app.execute("update orders_v1 set status = 'confirmed'")

    with pytest.raises(LeaseLostError):
        await rebuild(audit, Robbed())

    with audit.database.connect() as app:
        assert app.execute("select distinct status from orders_v1").fetchall() == [("confirmed",)]


async def test_the_swap_waits_for_a_verification_that_reads_and_never_takes_its_rows_away(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    onlooker = Onlooker()
    with snapshot(audit.database.app, reads=(NAME,)) as reading:
        reading.head()
        rebuilding = asyncio.create_task(rebuild(audit, onlooker))
        while len(onlooker.readers) < 3:
            await asyncio.sleep(0.02)
        await audit.submit()
        assert len(list(reading.rows(b"select from orders_v1"))) == 3
        assert not rebuilding.done()
        with audit.database.connect() as app:  # a reader is held up for a moment at most
            app.execute("set statement_timeout = '2s'")
            app.execute("select from orders_v1")
    assert (await rebuilding).differing == 0
    assert all(reader.startswith("surefill verify (PostgreSQL process ") for reader in onlooker.readers)
    await audit.project()
    assert (await audit.verify()).findings == []


async def test_a_reader_who_never_leaves_is_named_and_nothing_is_changed(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    with snapshot(audit.database.app, reads=(NAME,)), pytest.raises(TableInUseError, match="surefill verify"):
        await rebuild(audit, patience=0)
    assert (await rebuild(audit)).differing == 0


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("alter table orders_v1 add column colour text", "columns"),
        ("create index of_mine on orders_v1 (updated_at)", "indexes"),
    ],
)
async def test_a_table_that_a_migration_changed_meanwhile_is_not_replaced(
    change: str, what: str, audit: AuditHarness, three_orders: list[UUID]
) -> None:
    class Migrating(Onlooker):
        def compares(self) -> None:
            with audit.database.connect() as app:
                app.execute(change)

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match=f"other {what} during its rebuild"):
        await rebuild(audit, Migrating())

    assert (await rebuild(audit)).differing == 0


async def test_a_log_that_lost_its_end_takes_the_projector_back_with_it(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    async with projecting(audit) as projector:
        audit.rewrite(lambda event: event if event.position < 5 else None)
        before = (await audit.verify()).of("differs", "read models")
        assert before[0].remedy.endswith("or rebuild the read model.")

        compared = await rebuild(audit)

        assert (compared.position, said(compared)) == (
            4, {three_orders[2]: "orders_v1: had a row that the log does not account for"},
        )  # fmt: skip
        with pytest.raises(LeaseLostError):
            async with asyncio.timeout(10):
                await projector
    await audit.submit()
    await audit.project()
    assert (await audit.verify()).findings == []


def move_live(audit: AuditHarness, position: int) -> None:
    """Without a projector: the live model is said to be at ``position``."""
    with audit.database.connect() as app:
        app.execute("update positions set position = %s where processor = %s", [position, PROCESSOR])


async def test_a_comparison_that_folds_for_longer_than_a_transaction_may_idle_is_not_ended(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    class Slow(EventMapper):
        was_slow = False

        def read(self, recorded: Any, of_kind: Any) -> Any:
            if onlooker.comparisons == 1 and not self.was_slow:
                self.was_slow = True
                time.sleep(3.6)  # longer than the pool's 3 s
            return super().read(recorded, of_kind)

    class Late(Onlooker):
        def compares(self) -> None:
            super().compares()
            move_live(audit, 6)

    move_live(audit, 2)
    onlooker = Late()
    rebuilding = OrdersRebuild(audit.pool, audit.log, Slow(ORDER_EVENTS), onlooker)
    async with Lease(audit.pool, REBUILDER, owner="test", ttl=30.0).hold(0) as lease:
        compared = await rebuilding.run(lease)

    assert (compared.position, compared.differing, onlooker.comparisons) == (6, 0, 1)


async def test_what_came_during_the_vacuum_is_folded_before_the_comparison(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    class Holding(Onlooker):
        def folded(self, position: int, target: int) -> None:
            super().folded(position, target)
            if len(self.positions) == 1:
                other.execute("lock table orders_v1_rebuilt in share update exclusive mode")

        def compares(self) -> None:
            super().compares()
            compared_at.append(self.positions[-1])

    compared_at: list[tuple[int, int]] = []
    move_live(audit, 2)
    with audit.database.connect() as app, audit.database.connect() as other:
        other.autocommit = False
        rebuilding = asyncio.create_task(rebuild(audit, Holding()))
        waits = "select from pg_stat_activity where query like 'vacuum%' and wait_event_type = 'Lock'"
        async with asyncio.timeout(10):
            while not app.execute(waits).fetchall():
                await asyncio.sleep(0.02)
        move_live(audit, 6)
        other.rollback()
        await rebuilding

    assert compared_at == [(6, 6)]


async def amend(audit: AuditHarness, order_id: UUID, price: int) -> None:
    history = (await audit.orders.load([order_id])).orders[order_id]
    await audit.orders.execute(history, AmendOrder(now(), limit_price=Decimal(price)))


async def projected(audit: AuditHarness) -> None:
    head = await audit.log.head()
    async with asyncio.timeout(10):
        while True:
            with audit.database.connect() as app:
                found = app.execute("select position from positions where processor = %s", [PROCESSOR]).fetchone()
            if found == (head,):
                return
            await asyncio.sleep(0.02)


async def test_a_projector_that_remembers_a_wrong_row_does_not_write_it_back(audit: AuditHarness) -> None:
    order_id = await audit.submit(type="limit", limit_price=Decimal(200), deadline=None)
    await audit.project()
    with audit.database.connect() as app:
        app.execute("update orders_v1 set state = jsonb_set(state, '{amount_in}', '\"7\"')")
    async with projecting(audit) as projector:
        await amend(audit, order_id, 201)
        await projected(audit)

        assert (await rebuild(audit)).differing == 1

        await amend(audit, order_id, 202)
        with pytest.raises(LeaseLostError):
            async with asyncio.timeout(10):
                await projector
    await audit.project()
    assert (await audit.verify()).findings == []


async def test_a_rebuild_that_found_nothing_lets_the_projector_go_on(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    async with projecting(audit) as projector:
        assert (await rebuild(audit)).differing == 0
        await audit.submit()
        await projected(audit)
        assert not projector.done()
    assert (await audit.verify()).findings == []
