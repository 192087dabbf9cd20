"""A log of millions of events at the speed of SQL: the history of one executed order, copied as other orders'."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.client.http import HttpConnection, post
from bench.engine import Engine
from bench.product import connect, postgres_alone
from bench.subject import EXECUTE

ORDERS_A_STATEMENT = 50_000
_SQL = Path(__file__).with_name("sql")
_EVENTS, _HEAD, _ROWS = (
    (_SQL / f"{name}.sql").read_text() for name in ("clone_events", "move_head", "clone_read_models")
)
_EXECUTED_WITHIN_S = 30.0
_CONFIRMED = "select 1 from orders_v1 where status = 'confirmed'"
_TEMPLATE = "select stream_id, version from events where topic = 'order.OrderConfirmed' order by position desc limit 1"
# Nothing is left to be done about orders that ended long ago: every reader of the log is past them.
_PASSED = 'update positions set "position" = %(position)s'


async def grow(directory: Path, events: int) -> int:
    """Make the log of a stopped engine at least ``events`` events long; how many it has.

    The engine has executed an order before: it is the template. Read models and positions of the log's readers come
    with it.
    """
    async with postgres_alone(directory / "data") as (server, _):
        with connect(server.owner_url) as log, connect(server.url) as models:
            head = _head(log.execute("select position from log_head").fetchone())
            row = log.execute(_TEMPLATE).fetchone()
            assert row, "an order that was executed"
            template: tuple[UUID, int] = (row[0], row[1])
            log.execute("set synchronous_commit = off")
            models.execute("set synchronous_commit = off")
            while head < events:
                before = head
                orders = min(ORDERS_A_STATEMENT, -(-(events - head) // template[1]))
                with log.transaction():
                    log.execute(_EVENTS, {"template": template[0], "orders": orders})
                    head = _head(log.execute(_HEAD).fetchone())
                models.execute(_ROWS, {"template": template[0], "position": before})
                models.execute(_PASSED, {"position": head})
            log.execute("vacuum (analyze) events")
            models.execute("vacuum (analyze) orders_v1")
    return head


async def execute_one(engine: Engine) -> None:
    """An order for the template, until it is in the read model, too."""
    connection = await HttpConnection.to(engine.port)
    await connection.request(post(engine.port, EXECUTE, engine.body))
    connection.close()
    with engine.connect() as database:
        async with asyncio.timeout(_EXECUTED_WITHIN_S):
            while not database.execute(_CONFIRMED).fetchone():
                await asyncio.sleep(0.1)
    await asyncio.sleep(1.0)


def _head(row: tuple[Any, ...] | None) -> int:
    assert row
    return int(row[0])
