"""What one order cannot do stays with it: it is set aside and seen, and the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psycopg
import structlog

from chains.solana_client import SolanaChain
from commands.history import History
from commands.ids import DEFAULT_ACCOUNT
from commands.orders import Orders, TooManyConflictsError
from domain.commands import OrderCommand
from domain.quotes import Quote, Refusal
from event_store import parked
from event_store.parked import Letter
from event_store.types import AppendRequest, NewEvent, Stored
from runtime.localnet.price import move
from tests.integration.chains.endpoint_server import Request, altering, serving
from tests.integration.conftest import TestDatabase, superuser_url
from tests.integration.embedded import EmbeddedPostgres
from tests.integration.workers.conftest import Desks, now
from tests.integration.workers.test_execution import QUICK
from venues.protocol import QuoteRequest
from workers.parking import MOST_FAILURES
from workers.route import Route

FUTURE = "order.FromTheFuture"


async def letters(desks: Desks) -> list[Letter]:
    async with desks.pool.connection() as connection, connection.cursor() as cursor:
        return await parked.letters(cursor)


async def letter(desks: Desks, *, within: float = 20) -> Letter:
    """The only one there is, once it is there."""
    async with asyncio.timeout(within):
        while not (found := await letters(desks)):
            await asyncio.sleep(0.05)
    [one] = found
    return one


async def append_from_the_future(desks: Desks, order_id: UUID, topic: str = FUTURE) -> None:
    before = await desks.history(order_id)
    event = NewEvent(
        order_id, before.version + 1, uuid4(), topic, b'{"v":1,"data":{}}', DEFAULT_ACCOUNT, uuid4(), uuid4(),
        causation_id=before.last_event_id,
    )  # fmt: skip
    assert isinstance(await desks.orders._appender.append(AppendRequest((event,))), Stored)


async def due(desks: Desks) -> list[UUID]:
    """What would be hinted at if everything that is scheduled had come due."""
    async with desks.pool.connection() as connection:
        await connection.execute("update work set due_at = clock_timestamp()")
    return [order_id for orders in (await desks.work.take_due(100)).values() for order_id in orders]


async def test_an_order_that_cannot_be_read_is_set_aside_at_once_and_its_neighbours_are_executed(desks: Desks):
    newer = await desks.submit()
    await append_from_the_future(desks, newer)
    desks.start_relay()
    desks.start_sweeper()
    desks.start_worker()
    desks.start_tracker(QUICK)
    fine = await desks.submit()
    assert (await desks.until(fine, lambda order: order.ended)).status == "confirmed"
    one = await letter(desks)
    assert (one.processor, one.order_id, one.version) == ("route", newer, 3)
    assert one.error == f"{FUTURE}: UnknownTopic"
    await desks.stop()
    assert await due(desks) == []


async def test_what_happens_to_an_order_set_aside_makes_no_stage_work_on_it(desks: Desks, monkeypatch):
    monkeypatch.setattr("workers.sweeper.SETTLED_S", 0.0)
    monkeypatch.setattr("workers.sweeper.DERIVE_EVERY_S", 0.1)
    order_id = await desks.submit()
    await set_aside(desks, "route", order_id)
    async with desks.pool.connection() as connection:
        await connection.execute("delete from work")
    desks.start_relay()
    desks.start_sweeper()
    desks.start_worker()
    fine = await desks.submit()
    await desks.until(fine, lambda order: order.status == "submitted")
    await asyncio.sleep(1)  # several derivations, and long past the hint a relay gives
    assert (await desks.order(order_id)).status == "routing"
    async with desks.pool.connection() as connection, connection.cursor() as cursor:
        await parked.release(cursor, ["route"], order_id)
    await desks.until(order_id, lambda order: order.status == "submitted")


async def set_aside(desks: Desks, processor: str, order_id: UUID) -> None:
    async with desks.pool.connection() as connection, connection.cursor() as cursor:
        await parked.park(cursor, processor, [parked.Fault(order_id, 2, None, "TypeError")])


async def test_a_stage_that_keeps_breaking_sets_the_order_aside_after_a_few_times_in_a_row(desks: Desks):
    stages = desks.stages()
    order_id = await desks.submit()
    await stages["route"].run([order_id])
    await stages["build"].run([order_id])
    stages["submit"]._chain = None  # a defect: nothing that could be away
    for _ in range(MOST_FAILURES - 1):
        await stages["submit"].run([order_id])
    assert await letters(desks) == []
    await stages["submit"].run([order_id])
    one = await letter(desks)
    assert (one.processor, one.order_id, one.version) == ("submit", order_id, 4)
    assert (one.error, one.attempts) == ("AttributeError", MOST_FAILURES)


async def test_an_order_that_its_deadline_still_ends_is_not_set_aside(desks: Desks):
    stages = desks.stages()
    order_id = await desks.submit()
    await stages["route"].run([order_id])
    desks.book._pools.clear()
    for _ in range(MOST_FAILURES + 1):
        await stages["build"].run([order_id])
    assert await letters(desks) == []
    stages["build"]._clock = lambda: now() + timedelta(minutes=5)
    await stages["build"].run([order_id])
    assert (await desks.order(order_id)).failure
    assert await letters(desks) == []


async def test_a_failure_in_between_that_was_overcome_does_not_count(desks: Desks):
    stages = desks.stages()
    order_id = await desks.submit()
    await stages["route"].run([order_id])
    pools = dict(desks.book._pools)
    desks.book._pools.clear()
    for _ in range(MOST_FAILURES - 1):
        await stages["build"].run([order_id])
    desks.book._pools.update(pools)
    await stages["build"].run([order_id])
    assert (await desks.order(order_id)).live_attempt
    assert await letters(desks) == []


async def test_a_chain_that_is_away_sets_nothing_aside(desks: Desks):
    stages = desks.stages()
    order_id = await desks.submit()
    async with SolanaChain("http://127.0.0.1:1") as desks.chain:
        away = desks.stages()
        await stages["route"].run([order_id])
        for _ in range(2 * MOST_FAILURES):
            await away["build"].run([order_id])
    assert (await desks.order(order_id)).status == "building"
    assert await letters(desks) == []


async def test_a_database_that_refuses_for_a_while_sets_nothing_aside(desks: Desks, database: TestDatabase):
    order_id = await desks.submit()
    stages = desks.stages()
    with database.connect(as_owner=True) as owner:
        owner.execute("revoke execute on function store from surefill")
        desks.orders._appender._patience = 0.1
        for _ in range(2 * MOST_FAILURES):
            await stages["route"].run([order_id])
        assert (await desks.order(order_id)).status == "routing"
        owner.execute("grant execute on function store to surefill")
    assert await letters(desks) == []
    await stages["route"].run([order_id])
    assert (await desks.order(order_id)).status == "building"


class Slow:
    """The pools, answering when told to; counts how often they were asked."""

    def __init__(self, desks: Desks) -> None:
        self._book = desks.book
        self.venues = desks.book.venues
        self.asked = 0
        self.answer = asyncio.Event()

    async def quote_all(self, requests: Sequence[QuoteRequest]) -> list[list[Quote | Refusal]]:
        self.asked += len(requests)
        await self.answer.wait()
        return await self._book.quote_all(requests)


async def test_an_order_that_is_being_worked_on_is_not_worked_on_twice(desks: Desks):
    slow = Slow(desks)
    route = Route(desks.orders, desks.work, now, [slow])
    order_id, other = await desks.submit(), await desks.submit()
    first = asyncio.create_task(route.run([order_id]))
    while not slow.asked:
        await asyncio.sleep(0.01)
    second = asyncio.create_task(route.run([order_id, other]))
    while slow.asked < 2:
        await asyncio.sleep(0.01)
    slow.answer.set()
    await asyncio.gather(first, second)
    assert slow.asked == 2
    assert {(await desks.order(one)).status for one in (order_id, other)} == {"building"}


async def test_a_swap_whose_balances_cannot_be_read_is_doubted_and_followed_until_they_can(desks: Desks, rpc_url: str):
    blind = True

    def transaction(_: Request, result: Any) -> Any:
        if blind and result:
            result["meta"]["preTokenBalances"] = result["meta"]["postTokenBalances"] = []
        return result

    stages = desks.stages()
    order_id = await desks.submit()
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {"getTransaction": transaction})) as url,
        SolanaChain(url) as desks.chain,
    ):
        with structlog.testing.capture_logs() as logged:
            for stage in ("route", "build", "submit"):
                await stages[stage].run([order_id])
            tracker = desks.start_tracker(QUICK)
            one = await letter(desks, within=40)
        assert (one.processor, one.order_id, one.error) == ("tracker", order_id, "amounts_missing")
        assert sum(str(order_id) in str(line) and line["log_level"] == "error" for line in logged) == 2
        async with desks.pool.connection() as connection:
            doubts = await (await connection.execute("select reason from doubts")).fetchall()
        assert doubts == [("The transaction succeeded, yet its balances show no swap.",)]
        blind = False
        assert (await desks.until(order_id, lambda order: order.ended)).status == "confirmed"
        while await letters(desks):
            await asyncio.sleep(0.05)
        assert not tracker.done()
        await desks.stop()


class Contested(Orders):
    """Whatever is to be recorded of one order meets another's append, every time."""

    contested: UUID | None = None

    async def execute(self, history: History, command: OrderCommand, **how: Any) -> History:
        if history.order_id == self.contested:
            raise TooManyConflictsError(str(history.order_id))
        return await super().execute(history, command, **how)


async def test_one_order_that_cannot_be_recorded_does_not_end_the_tracker(desks: Desks):
    stages = desks.stages()
    mine, fine = await desks.submit(), await desks.submit()
    for stage in ("route", "build"):
        await stages[stage].run([mine, fine])
    contested = Contested(desks.orders._log, desks.orders._appender, desks.orders._mapper)
    contested.contested, desks.orders = mine, contested
    tracker = desks.start_tracker(QUICK)
    assert (await desks.until(fine, lambda order: order.ended)).status == "confirmed"
    one = await letter(desks, within=40)
    assert (one.processor, one.order_id, one.error) == ("tracker", mine, "TooManyConflictsError")
    assert not tracker.done()
    contested.contested = None
    assert (await desks.until(mine, lambda order: order.ended)).status == "confirmed"


async def test_an_attempt_of_an_order_that_cannot_be_read_is_followed_again_once_it_can(
    desks: Desks, database: TestDatabase, postgres: EmbeddedPostgres
):
    stages = desks.stages()
    order_id = await desks.submit()
    for stage in ("route", "build"):
        await stages[stage].run([order_id])
    await append_from_the_future(desks, order_id)
    desks.start_relay()
    desks.start_tracker(QUICK)
    one = await letter(desks)
    assert (one.processor, one.version, one.error) == ("tracker", 5, f"{FUTURE}: UnknownTopic")
    with psycopg.connect(superuser_url(postgres, database)) as repair:
        repair.execute("set search_path to surefill_app, surefill")
        repair.execute("alter table events disable trigger all")
        repair.execute("delete from events where topic = %s", [FUTURE])
        repair.execute("alter table events enable always trigger events_are_immutable")
    assert (await desks.until(order_id, lambda order: order.ended, within=30)).status == "confirmed"
    async with asyncio.timeout(10):
        while await letters(desks):
            await asyncio.sleep(0.05)


async def test_an_order_that_cannot_fire_is_set_aside_and_the_others_fire(desks: Desks):
    sell = {"type": "limit", "amount_in": 10**9, "limit_price": Decimal(152)}
    mine, fine = await desks.submit(**sell), await desks.submit(**sell)
    contested = Contested(desks.orders._log, desks.orders._appender, desks.orders._mapper)
    contested.contested, desks.orders = mine, contested
    watching = desks.start_watcher()
    await move(desks.rpc_url, desks.market_key, "SOL/USDC", Decimal(153))
    await desks.until(fine, lambda order: order.status == "routing")
    one = await letter(desks)
    assert (one.processor, one.order_id, one.error) == ("watcher", mine, "TooManyConflictsError")
    assert mine not in watching.book
    contested.contested = None
    await asyncio.sleep(1.5)  # it is looked for, and not tried, while it is set aside
    assert (await desks.order(mine)).status == "pending"
    async with desks.pool.connection() as connection, connection.cursor() as cursor:
        await parked.release(cursor, ["watcher"], mine)
    await desks.until(mine, lambda order: order.status == "routing")
