"""What cannot be recorded of an order, or triggered, stays with it: tracker and watcher go on with the others."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx2
import psycopg
import pytest
import structlog

from chains.solana_client import SolanaChain
from commands.errors import TooManyConflictsError
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain.backoff import Backoff
from domain.commands import OrderCommand
from event_store.processors import dead_letters
from localnet.market.price import move
from tests.integration.chains.endpoint_server import Request, altering, serving
from tests.integration.conftest import TestDatabase, superuser_url
from tests.integration.embedded import EmbeddedPostgres
from tests.integration.workers.dead_letters import FUTURE, all_dead_letters, append_from_the_future, the_dead_letter
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_execution import QUICK

SHORT = Backoff(first=timedelta(seconds=0.1), longest=timedelta(seconds=0.2))


async def test_a_swap_whose_balances_cannot_be_read_is_uncertain_and_followed_until_they_can(
    engine: EngineHarness, rpc_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("workers.tracker.outcome_recorder.BACKOFF", SHORT)
    blind = True

    def transaction(_: Request, result: Any) -> Any:
        if blind and result:
            result["meta"]["preTokenBalances"] = result["meta"]["postTokenBalances"] = []
        return result

    order_id = await engine.submit()
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {"getTransaction": transaction})) as url,
        SolanaChain(url) as engine.chain,
    ):
        with structlog.testing.capture_logs() as logged:
            await engine.execute(order_id)
            tracker = engine.start_tracker(QUICK)
            dead_letter = await the_dead_letter(engine, within=40)
        assert (dead_letter.processor, dead_letter.order_id, dead_letter.error) == (
            "tracker",
            order_id,
            "amounts_missing",
        )
        assert sum(str(order_id) in str(line) and line["log_level"] == "error" for line in logged) == 2
        async with engine.pool.connection() as connection:
            uncertainties = await (await connection.execute("select reason from uncertainties")).fetchall()
        assert uncertainties == [("The transaction succeeded, yet its balances show no swap.",)]
        blind = False
        assert (await engine.until(order_id, lambda order: order.ended)).status == "confirmed"
        while await all_dead_letters(engine):
            await asyncio.sleep(0.05)
        assert not tracker.done()
        await engine.stop()


class Contested(OrderRepository):
    """Whatever is to be recorded of one order meets another's append, every time."""

    contested: UUID | None = None

    async def execute(self, history: LoadedOrder, *commands: OrderCommand, **how: Any) -> LoadedOrder:
        if history.order_id == self.contested:
            raise TooManyConflictsError(str(history.order_id))
        return await super().execute(history, *commands, **how)


async def test_one_order_that_cannot_be_recorded_does_not_end_the_tracker(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("workers.tracker.outcome_recorder.BACKOFF", SHORT)
    mine, fine = await engine.submit(), await engine.submit()
    await engine.build(mine, fine)
    contested = Contested(engine.orders._log, engine.orders._appender, engine.orders._mapper)
    contested.contested, engine.orders = mine, contested
    tracker = engine.start_tracker(QUICK)
    assert (await engine.until(fine, lambda order: order.ended)).status == "confirmed"
    dead_letter = await the_dead_letter(engine, within=40)
    assert (dead_letter.processor, dead_letter.order_id, dead_letter.error) == (
        "tracker",
        mine,
        "TooManyConflictsError",
    )
    assert not tracker.done()
    contested.contested = None
    assert (await engine.until(mine, lambda order: order.ended)).status == "confirmed"


async def test_an_attempt_of_an_order_that_cannot_be_read_is_followed_again_once_it_can(
    engine: EngineHarness, database: TestDatabase, postgres: EmbeddedPostgres
):
    order_id = await engine.submit()
    await engine.build(order_id)
    await append_from_the_future(engine, order_id)
    engine.start_projector()
    engine.start_tracker(QUICK)
    dead_letter = await the_dead_letter(engine)
    assert (dead_letter.processor, dead_letter.version, dead_letter.error) == (
        "tracker",
        5,
        f"{FUTURE}: UnknownTopicError",
    )
    with psycopg.connect(superuser_url(postgres, database)) as repair:
        repair.execute("set search_path to surefill_app, surefill")
        repair.execute("alter table events disable trigger all")
        repair.execute("delete from events where topic = %s", [FUTURE])
        repair.execute("alter table events enable always trigger events_are_immutable")
    assert (await engine.until(order_id, lambda order: order.ended, within=30)).status == "confirmed"
    async with asyncio.timeout(10):
        while await all_dead_letters(engine):
            await asyncio.sleep(0.05)


async def test_an_order_that_cannot_be_triggered_is_a_dead_letter_and_the_others_fire(engine: EngineHarness):
    sell = {"type": "limit", "amount_in": 10**9, "limit_price": Decimal(152)}
    mine, fine = await engine.submit(**sell), await engine.submit(**sell)
    contested = Contested(engine.orders._log, engine.orders._appender, engine.orders._mapper)
    contested.contested, engine.orders = mine, contested
    feed = engine.start_watcher()
    await move(engine.rpc_url, engine.market_key, "SOL/USDC", Decimal(153))
    await engine.until(fine, lambda order: order.status == "routing")
    dead_letter = await the_dead_letter(engine)
    assert (dead_letter.processor, dead_letter.order_id, dead_letter.error) == (
        "watcher",
        mine,
        "TooManyConflictsError",
    )
    assert mine not in feed.book
    contested.contested = None
    await asyncio.sleep(1.5)  # it is looked for, and not tried, while it is a dead letter
    assert (await engine.order(mine)).status == "pending"
    async with engine.pool.connection() as connection, connection.cursor() as cursor:
        await dead_letters.remove(cursor, ["watcher"], mine)
    await engine.until(mine, lambda order: order.status == "routing")
