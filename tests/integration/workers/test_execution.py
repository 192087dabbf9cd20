"""From the log to the chain and back: visits, tracker, rows and queue on real parts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
from prometheus_client import REGISTRY

from chains.solana_client import SolanaChain
from commands.ids import DEFAULT_ACCOUNT
from domain import events as e
from domain.commands import RecordQuotes, RejectBuild
from domain.tokens import BONK, JUP, USDC
from event_store.types import AppendRequest, NewEvent, Stored
from tests.integration.chains.endpoint_server import Request, altering, serving
from tests.integration.workers.harness import EngineHarness, now
from workers.dispatch.broker import open_broker
from workers.dispatch.queue import HandOver, Queue
from workers.execution.builder import Builder
from workers.execution.executor import Executor
from workers.execution.quoting import Quoting
from workers.tracker.tracker import Pace

QUICK = Pace(poll=0.05, poll_ended=0.1, rebroadcast=0.2, first_send=0.2, heights=0.1, proof=0.1, rows=0.5)


def names(history) -> list[str]:
    return [type(event).__name__ for event in history.events]


async def test_a_market_order_is_executed_and_its_fill_is_what_the_route_promised(engine: EngineHarness):
    engine.start_projector()
    engine.start_worker()
    engine.start_tracker()
    order_id = await engine.submit()
    order = await engine.until(order_id, lambda order: order.ended)
    assert order.status == "confirmed"
    assert order.fill is not None
    assert order.route is not None
    assert order.fill.amount_in == 500_000_000
    assert order.fill.amount_out == order.route.chosen.amount_out
    assert order.fill.network_fee_lamports >= 5_000


async def test_fifty_orders_at_once_are_fifty_swaps(engine: EngineHarness):
    before = (await engine.chain.token_balances(engine.wallet.address, [USDC.mint]))[USDC.mint]
    engine.start_projector()
    engine.start_worker()
    engine.start_tracker()
    ids = await asyncio.gather(*(engine.submit() for _ in range(50)))
    orders = [await engine.until(order_id, lambda order: order.ended) for order_id in ids]
    fills = [order.fill for order in orders if order.fill]
    assert len({fill.tx_hash for fill in fills}) == 50
    after = (await engine.chain.token_balances(engine.wallet.address, [USDC.mint]))[USDC.mint]
    assert after - before == sum(fill.amount_out for fill in fills)


async def test_any_number_of_duplicate_messages_changes_nothing(engine: EngineHarness):
    order_id = await engine.submit()
    executors = [engine.executor() for _ in range(4)]
    for _ in range(3):
        await asyncio.gather(*(engine.execute(order_id, order_id, executor=executor) for executor in executors))
    engine.start_tracker(QUICK)
    await engine.until(order_id, lambda order: order.ended)
    history = await engine.history(order_id)
    assert names(history) == [
        "OrderSubmitted",
        "OrderTriggered",
        "OrderRouted",
        "TransactionBuilt",
        "TransactionSubmitted",
        "OrderConfirmed",
    ]


async def test_without_a_message_and_without_a_row_the_sweeper_derives_the_work_from_the_log(
    engine: EngineHarness, monkeypatch
):
    monkeypatch.setattr("workers.dispatch.sweeper.SETTLED_S", 0.0)
    monkeypatch.setattr("workers.dispatch.sweeper.DERIVE_EVERY_S", 0.1)
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker(QUICK)
    order_id = await engine.submit()
    assert (await engine.until(order_id, lambda order: order.ended)).status == "confirmed"


async def test_the_tracker_sends_what_no_visit_has_sent(engine: EngineHarness):
    order_id = await engine.submit()
    await engine.build(order_id)
    engine.start_projector()
    engine.start_tracker(QUICK)
    await engine.until(order_id, lambda order: order.ended)
    assert names(await engine.history(order_id))[-2:] == ["TransactionSubmitted", "OrderConfirmed"]


async def test_a_transaction_that_was_never_sent_is_proven_expired_and_the_order_goes_on(engine: EngineHarness):
    order_id = await engine.submit()
    await engine.build(order_id)
    engine.start_projector()
    never = Pace(poll=0.02, poll_ended=0.05, rebroadcast=99, first_send=99, heights=0.05, proof=0.1, rows=0.5)
    engine.start_tracker(never)
    await engine.until(order_id, lambda order: order.attempts[0].end == "expired")
    expired = next(event for event in (await engine.history(order_id)).events if isinstance(event, e.AttemptExpired))
    assert expired.evidence.is_complete
    await engine.stop()
    engine.start_projector()
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker(QUICK)
    order = await engine.until(order_id, lambda order: order.ended)
    assert (order.status, len(order.attempts)) == ("confirmed", 2)


async def test_more_than_the_wallet_holds_fails_and_nothing_is_signed(engine: EngineHarness):
    engine.start_projector()
    engine.start_worker()
    order_id = await engine.submit(amount_in=20_000 * 10**9, slippage_bps=5_000)
    order = await engine.until(order_id, lambda order: order.ended)
    assert order.failure is not None
    assert (order.failure.code, order.failure.retryable, order.attempts) == ("insufficient_funds", False, ())


async def test_more_than_a_pool_can_count_is_more_than_the_wallet_holds(engine: EngineHarness):
    engine.start_projector()
    engine.start_worker()
    order_id = await engine.submit(amount_in=2**64 - 1)
    order = await engine.until(order_id, lambda order: order.ended)
    assert order.failure is not None
    assert order.failure.code == "insufficient_funds"


async def test_a_pair_no_venue_holds_fails_at_once(engine: EngineHarness):
    engine.start_projector()
    engine.start_worker()
    order_id = await engine.submit(token_in=BONK, token_out=JUP, amount_in=10**9)
    order = await engine.until(order_id, lambda order: order.ended)
    assert order.failure is not None
    assert order.failure.code == "no_venue"


async def test_a_slippage_failure_on_chain_leads_to_a_second_attempt_never_below_the_first_minimum(
    engine: EngineHarness,
):
    order_id = await engine.submit(slippage_bps=0)
    await engine.build(order_id)
    rival = await engine.submit(amount_in=10 * 10**9)
    await engine.execute(rival)
    engine.start_projector()
    slow = Pace(poll=0.02, poll_ended=0.05, rebroadcast=9, first_send=9, heights=0.05, proof=0.1, rows=0.5)
    engine.start_tracker(slow)
    await engine.until(rival, lambda order: order.ended)
    await engine.execute(order_id)
    order = await engine.until(order_id, lambda order: order.attempts[0].end is not None)
    assert order.attempts[0].end == "rejected"
    assert order.obstacle == "slippage_exceeded"
    await engine.execute(order_id)
    tried = await engine.order(order_id)
    assert all(attempt.minimum_out >= order.attempts[0].minimum_out for attempt in tried.attempts)


async def test_an_order_past_its_deadline_fails_with_what_stood_in_its_way(engine: EngineHarness):
    order_id = await engine.submit(deadline=now() - timedelta(seconds=1))
    await engine.execute(order_id)
    order = await engine.order(order_id)
    assert order.failure is not None
    assert (order.failure.code, order.failure.retryable) == ("deadline_passed", True)


async def test_rows_are_written_while_valkey_cannot_be_reached_and_bring_the_order_back(
    engine: EngineHarness,
):
    unreachable = HandOver(Queue(open_broker("redis://127.0.0.1:1/1")))
    order_id = await engine.submit()
    before = REGISTRY.get_sample_value("surefill_messages_failed_total") or 0
    unreachable.add([order_id])
    engine.start_projector()
    async with asyncio.timeout(10):
        while not await due(engine, order_id) or REGISTRY.get_sample_value("surefill_messages_failed_total") == before:
            await asyncio.sleep(0.02)
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker(QUICK)
    assert (await engine.until(order_id, lambda order: order.ended)).status == "confirmed"


async def due(engine: EngineHarness, order_id: UUID) -> bool:
    async with engine.pool.connection() as connection:
        cursor = await connection.execute("select from work where order_id = %s and stage = 'execute'", [order_id])
    return bool(cursor.rowcount)


async def test_an_order_whose_visit_always_breaks_ends_by_its_deadline(engine: EngineHarness):
    order_id = await engine.submit()
    executor = engine.executor()
    engine.book._pools.clear()
    await engine.execute(order_id, executor=executor)
    assert (await engine.order(order_id)).status == "routing"
    late = replace(executor._visit, clock=lambda: now() + timedelta(minutes=5))
    await engine.execute(order_id, executor=Executor(late, engine.work))
    order = await engine.order(order_id)
    assert order.failure is not None
    assert (order.failure.code, order.attempts) == ("deadline_passed", ())


async def test_a_damaged_order_is_left_alone_and_its_neighbours_are_not(engine: EngineHarness):
    damaged, sound = await engine.submit(), await engine.submit()
    last = (await engine.history(damaged)).last_event_id
    event = NewEvent(
        damaged, 3, uuid4(), "order.OrderRouted", b"{}", DEFAULT_ACCOUNT, uuid4(), uuid4(), causation_id=last
    )
    assert isinstance(await engine.orders._appender.append(AppendRequest((event,))), Stored)
    loaded = await engine.orders.load([damaged, sound])
    assert (set(loaded.unreadable), set(loaded.orders)) == ({damaged}, {sound})


async def test_a_confirmed_swap_that_is_finalized_with_an_error_raises_the_alarm(engine: EngineHarness, rpc_url: str):
    forked = False

    def statuses(_: Request, result: Any) -> Any:
        for status in filter(None, result["value"]):
            other = {"err": "AccountInUse", "confirmations": None, "confirmationStatus": "finalized"}
            status.update(other if forked else {"confirmations": 1, "confirmationStatus": "confirmed"})
        return result

    def transaction(_: Request, result: Any) -> Any:
        return {**result, "meta": {**result["meta"], "err": "AccountInUse"}} if forked and result else result

    def guards(_: Request, result: Any) -> Any:
        return {**result, "value": [None] * len(result["value"])} if forked else result

    changes = {"getSignatureStatuses": statuses, "getTransaction": transaction, "getMultipleAccounts": guards}
    alarms = alarms_raised()
    order_id = await engine.submit()
    await engine.execute(order_id)
    engine.start_projector()
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, changes)) as url,
        SolanaChain(url) as engine.chain,
    ):
        tracker = engine.start_tracker(QUICK)
        await engine.until(order_id, lambda order: order.status == "confirmed")
        assert alarms_raised() == alarms
        forked = True
        async with asyncio.timeout(10):
            while alarms_raised() == alarms:
                await asyncio.sleep(0.02)
        tracker.cancel()
        await asyncio.gather(tracker, return_exceptions=True)
    assert alarms_raised() == alarms + 1


def alarms_raised() -> float:
    return REGISTRY.get_sample_value("surefill_contradictions_total") or 0


async def test_a_worker_that_slept_records_nothing_of_what_it_knew_before_the_order_went_on(engine: EngineHarness):
    awake, signed = asyncio.Event(), asyncio.Event()

    class Sleeper(Builder):
        async def build(self, *arguments: Any) -> Any:
            command = await super().build(*arguments)
            signed.set()
            await awake.wait()
            return command

    executor = engine.executor()
    sleeper = Executor(replace(executor._visit, builder=Sleeper(executor._visit.builder._context, now)), engine.work)
    order_id = await engine.submit(slippage_bps=500)
    sleeping = asyncio.create_task(engine.execute(order_id, executor=sleeper))
    await signed.wait()
    # Meanwhile another worker could not build: the order is at routing again, by another history.
    loaded = await engine.history(order_id)
    pools = await Quoting([engine.book]).ask(await engine.order(order_id))
    rejected = RejectBuild("slippage_exceeded", "the price moved", (), now())
    await engine.orders.execute(loaded, RecordQuotes(pools.quotes, pools.refusals, now()), rejected)
    assert (await engine.order(order_id)).status == "routing"

    awake.set()
    await sleeping

    assert (await engine.order(order_id)).attempts == ()
