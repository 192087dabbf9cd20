"""A halt committed while appends wait for the log's lock: nothing signed before it is recorded or sent after it."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from psycopg import AsyncConnection

from chains.protocol import Chain
from commands.cancel import cancel_order
from commands.ids import DEFAULT_ACCOUNT
from domain.account import TradingHalted, trading_stream
from event_store.append.append_statement import APPEND_STRAIGHT, straight_outcomes, straight_parameters
from event_store.dsn import parse
from event_store.types import Stored
from tests.integration.conftest import TestDatabase
from tests.integration.event_store.requests import event, request, until
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_execution import names
from tests.integration.workers.test_visits import Counting

ORDERS = 20


@pytest.mark.parametrize("purpose", ["swap", "cancel"])
async def test_no_transaction_is_recorded_or_sent_after_it(engine: EngineHarness, database: TestDatabase, purpose: str):
    counting = Counting(engine.chain)
    executor = engine.executor(chain=cast(Chain, counting), always_simulate=False)
    ids = [await engine.submit() for _ in range(ORDERS)]
    if purpose == "cancel":
        await engine.build(*ids)
        for order_id in ids:
            await cancel_order(engine.orders, engine.store.trading, order_id, by="me", because="no more")
    before = {order_id: names(await engine.history(order_id)) for order_id in ids}
    topic, state = engine.mapper.dump(TradingHalted(reason="looked at by hand"))
    halted = event(trading_stream(DEFAULT_ACCOUNT), 1, topic=topic, state=state)

    conninfo = parse(database.app, application_name="halting").conninfo
    async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
        async with connection.transaction():
            await connection.execute("select lock_log()")
            visiting = asyncio.create_task(engine.execute(*ids, executor=executor))
            with database.connect() as watcher:
                await until(lambda: watcher.execute("select from pg_locks where not granted").fetchall())
            async with connection.cursor(binary=True) as cursor:
                await cursor.execute(APPEND_STRAIGHT, straight_parameters([request(halted)]))
                row = await cursor.fetchone()
            assert row is not None
            found = straight_outcomes(row, [request(halted)])
            assert found is not None
            assert isinstance(found[0], Stored)
        await visiting

    assert (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted
    assert {order_id: names(await engine.history(order_id)) for order_id in ids} == before
    assert counting.sent == []
