"""A start, and finding the work rows that are missing, cost what is open now and not what ever happened."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import runtime
from domain import events as e
from event_store.processors import dead_letters
from event_store.processors.leases import Lease
from projections.orders import PROCESSOR
from projections.projector import OrdersProjector
from tests.integration.conftest import TestDatabase
from tests.integration.long_log import EVENTS_AN_ORDER, rows_read, write_ended_orders
from tests.integration.workers.harness import EngineHarness
from workers.dispatch.next_work import OPEN_TOPICS
from workers.dispatch.sweeper import Sweeper
from workers.dispatch.work import SQL
from workers.watcher import book_feed
from workers.watcher.book import Book
from workers.watcher.book_feed import WAITING, BookFeed

ORDERS = 10_000
# A hundred orders and their events, met by scans within scans; the log has thirty times as many.
MOST_ROWS = 1_500
NEWEST_TRANSACTIONS = (Path(runtime.__file__).parent / "sql" / "newest_transactions.sql").read_text()
ASKED: dict[str, tuple[bytes | str, dict[str, Any]]] = {
    "orders that wait for a price": (book_feed._WAITING_ORDERS, {"topics": list(WAITING)}),
    "orders without a work row": (SQL["open_orders"], {"topics": OPEN_TOPICS, "upto": 10**9, "limit": 1_000}),
    "the chain of the newest transaction": (NEWEST_TRANSACTIONS, {"topic": e.TransactionBuilt.TOPIC}),
}


@pytest.mark.parametrize("signed", [True, False], ids=["all confirmed", "nothing ever signed"])
async def test_what_a_start_reads_does_not_grow_with_the_log(database: TestDatabase, signed: bool) -> None:
    write_ended_orders(database, ORDERS, signed=signed)
    with database.connect() as connection:
        for _ in range(2):
            read = {name: rows_read(connection, *asked) for name, asked in ASKED.items()}
            assert max(read.values()) <= MOST_ROWS, read
            # Once more as the planner does it that knows the tables.
            with database.connect(as_owner=True) as owner:
                owner.execute("analyze events")
            connection.execute("analyze orders_v1")


async def project(engine: EngineHarness) -> None:
    """Let the read model catch up with the log."""
    head = await engine.events.head()
    mapper = engine.orders._mapper
    async with Lease(engine.pool, PROCESSOR, owner="test").hold() as lease:
        projector = asyncio.create_task(OrdersProjector(engine.pool, engine.feed, mapper).run(lease))
        async with asyncio.timeout(10):
            while await engine.work.projected() < head:
                assert not projector.done(), projector.exception()
                await asyncio.sleep(0.02)
        projector.cancel()
        await asyncio.gather(projector, return_exceptions=True)


async def rows(engine: EngineHarness) -> set[tuple[UUID, str]]:
    async with engine.pool.connection() as connection:
        return set(await (await connection.execute("select order_id, stage from work")).fetchall())


async def test_every_missing_row_is_derived_at_once_however_long_the_log_is(
    engine: EngineHarness, database: TestDatabase
) -> None:
    write_ended_orders(database, ORDERS)
    to_route = [await engine.submit() for _ in range(3)]
    to_build, to_submit = await engine.submit(), await engine.submit()
    await engine.route(to_build)
    await engine.build(to_submit)
    waiting = await engine.submit(type="limit", limit_price="1000")
    await project(engine)
    late = await engine.submit()  # past the read model's position
    expected = {(order_id, "execute") for order_id in (*to_route, to_build, to_submit)} | {(to_submit, "track")}
    settled = await engine.events.head()

    assert await engine.work.derive_open(ORDERS * EVENTS_AN_ORDER, 2) == 0  # all is newer than that
    made = [await engine.work.derive_open(settled, 2) for _ in range(4)]

    assert made == [2, 2, 1, 0]
    assert await rows(engine) == expected
    assert waiting not in {order_id for order_id, _ in expected}
    sweeper = Sweeper(engine.events, engine.work, None)  # type: ignore[arg-type]  # derives, and sends nothing
    await sweeper._derive([(-1e9, settled)])
    assert await rows(engine) == expected | {(late, "execute")}


async def test_a_book_is_filled_from_the_read_model_and_from_what_it_does_not_show(
    engine: EngineHarness, database: TestDatabase
) -> None:
    write_ended_orders(database, 100)
    shown, set_aside, gone = [await engine.submit(type="limit", limit_price="1000") for _ in range(3)]
    await engine.submit()
    await project(engine)
    async with engine.pool.connection() as connection, connection.cursor() as cursor:
        entry = dead_letters.DeadLetterEntry(set_aside, 1, None, "a test")
        await dead_letters.add(cursor, PROCESSOR, [entry])
        await cursor.execute("delete from orders_v1 where order_id = %s", [set_aside])
        # The row says that it waits, and by the log it no longer does.
        await cursor.execute("update orders_v1 set status = 'pending' where order_id = md5('order 1')::uuid")
        await cursor.execute("delete from orders_v1 where order_id = %s", [gone])
    late = await engine.submit(type="limit", limit_price="1000")
    feed = BookFeed(engine.pool, engine.events, engine.orders, Book())

    assert await feed.restore() == await engine.events.head()

    assert {order_id for order_id in (shown, set_aside, gone, late) if order_id in feed.book} == {
        shown,
        set_aside,
        late,
    }
    assert len(feed.book) == 3


async def test_an_empty_log_has_an_empty_book(engine: EngineHarness) -> None:
    feed = BookFeed(engine.pool, engine.events, engine.orders, Book())
    assert await feed.restore() == 0
    assert len(feed.book) == 0
