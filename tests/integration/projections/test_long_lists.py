"""A list reads the orders that it shows, however many others the account has: nobody waits for another's question."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from domain.epochs import Epochs
from domain.tokens import BONK, SOL, USDC, pair_of
from event_store.pool import connection_pool
from projections.orders import SQL
from projections.orders.filters import OrderFilter
from projections.orders.queries import OrderList
from tests.integration.conftest import TestDatabase
from tests.integration.long_log import ACCOUNT, rows_read, write_ended_orders

ORDERS = 20_000
SHOWN = 50
# All have ended and are in the pair SOL/USDC; the newest two are those of a list.
LIST_ID = uuid4()
ASKED = {
    "of a list": OrderFilter(parent_id=LIST_ID),
    "of no list": OrderFilter(parent_id=uuid4()),
    "of a type nobody has": OrderFilter(type="limit"),
    "of a type": OrderFilter(type="market"),
    "of a pair nobody has": OrderFilter(pair=pair_of(BONK, USDC)),
    "of the pair": OrderFilter(pair=pair_of(SOL, USDC)),
    "all": OrderFilter(),
}
PAIR = """
    update orders_v1
    set state = state || jsonb_build_object('token_in', jsonb_build_object('mint', %(sold)s::text))
        || jsonb_build_object('token_out', jsonb_build_object('mint', %(bought)s::text))
"""
LIST = """
    update orders_v1 set state = state || jsonb_build_object('parent_id', %s::text)
    where first_position >= (select max(first_position) from orders_v1) - 5
"""


def listing(asked: OrderFilter) -> tuple[bytes | str, dict[str, Any]]:
    arguments = {**asked.arguments(), "account": ACCOUNT, "before": None, "limit": SHOWN + 1}
    return SQL["list_oldest" if asked.oldest_first else "list"], arguments


@pytest.mark.parametrize("oldest_first", [False, True], ids=["newest first", "oldest first"])
def test_a_list_reads_no_more_orders_than_it_shows(database: TestDatabase, oldest_first: bool) -> None:
    write_ended_orders(database, ORDERS)
    with database.connect() as connection:
        connection.execute(PAIR, {"sold": SOL.mint, "bought": USDC.mint})
        connection.execute(LIST, [str(LIST_ID)])
        for _ in range(2):
            read = {
                name: rows_read(connection, *listing(replace(asked, oldest_first=oldest_first)))
                for name, asked in ASKED.items()
            }
            assert max(read.values()) <= SHOWN + 1, read
            found = connection.execute(*listing(ASKED["of a list"])).fetchall()
            assert len(found) == 2
            # Once more as the planner does it that knows the table.
            connection.execute("analyze orders_v1")


async def test_a_question_asked_often_is_planned_as_at_first(database: TestDatabase) -> None:
    async with connection_pool(database.app, min_size=1, max_size=1) as pool:
        listed = OrderList(pool)
        for asked in ASKED.values():
            for _ in range(10):
                await listed.page(ACCOUNT, Epochs(), asked, limit=SHOWN, cursor=None)
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "select coalesce(sum(generic_plans), 0) from pg_prepared_statements where statement like %s",
                ["%coalesce(state ->> 'parent_id'%"],
            )
            assert await cursor.fetchone() == (0,)
