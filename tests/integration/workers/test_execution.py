"""From the log to the chain and back: every stage on real parts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
from prometheus_client import REGISTRY

from chains.solana_client import SolanaChain
from commands.ids import DEFAULT_ACCOUNT
from domain import events as e
from domain.commands import RejectBuild
from domain.tokens import BONK, JUP, USDC
from event_store.processors.leases import Lease
from event_store.types import AppendRequest, NewEvent, Stored
from tests.integration.chains.endpoint_server import Request, altering, serving
from tests.integration.workers.conftest import EngineHarness, now
from workers.dispatch.broker import Hints, open_broker
from workers.dispatch.relay import RELAY, Relay
from workers.stages.build import Build
from workers.tracker.tracker import Pace

QUICK = Pace(poll=0.02, poll_confirmed=0.05, rebroadcast=0.2, first_send=0.2, heights=0.05, proof=0.1, rows=0.5)


def names(history) -> list[str]:
    return [type(event).__name__ for event in history.events]


async def test_a_market_order_is_executed_and_its_fill_is_what_the_route_promised(engine: EngineHarness):
    engine.start_relay()
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
    engine.start_relay()
    engine.start_worker()
    engine.start_tracker()
    ids = await asyncio.gather(*(engine.submit() for _ in range(50)))
    orders = [await engine.until(order_id, lambda order: order.ended) for order_id in ids]
    fills = [order.fill for order in orders if order.fill]
    assert len({fill.tx_hash for fill in fills}) == 50
    after = (await engine.chain.token_balances(engine.wallet.address, [USDC.mint]))[USDC.mint]
    assert after - before == sum(fill.amount_out for fill in fills)


async def test_any_number_of_duplicate_hints_changes_nothing(engine: EngineHarness):
    stages = engine.stages()
    order_id = await engine.submit()
    for stage in ("route", "build", "submit"):
        await asyncio.gather(*(stages[stage].run([order_id, order_id]) for _ in range(10)))
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


async def test_without_a_relay_the_sweeper_derives_the_work_from_the_log(engine: EngineHarness, monkeypatch):
    monkeypatch.setattr("workers.dispatch.sweeper.SETTLED_S", 0.0)
    monkeypatch.setattr("workers.dispatch.sweeper.DERIVE_EVERY_S", 0.1)
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker(QUICK)
    order_id = await engine.submit()
    assert (await engine.until(order_id, lambda order: order.ended)).status == "confirmed"


async def test_the_tracker_sends_what_no_actor_has_sent(engine: EngineHarness):
    stages = engine.stages()
    order_id = await engine.submit()
    await stages["route"].run([order_id])
    await stages["build"].run([order_id])
    engine.start_tracker(QUICK)
    await engine.until(order_id, lambda order: order.ended)
    assert names(await engine.history(order_id))[-2:] == ["TransactionSubmitted", "OrderConfirmed"]


async def test_a_transaction_that_was_never_sent_is_proven_expired_and_the_order_goes_on(engine: EngineHarness):
    stages = engine.stages()
    order_id = await engine.submit()
    await stages["route"].run([order_id])
    await stages["build"].run([order_id])
    never = Pace(poll=0.02, poll_confirmed=0.05, rebroadcast=99, first_send=99, heights=0.05, proof=0.1, rows=0.5)
    engine.start_tracker(never)
    await engine.until(order_id, lambda order: order.attempts[0].end == "expired")
    expired = next(event for event in (await engine.history(order_id)).events if isinstance(event, e.AttemptExpired))
    assert len(expired.evidence.endpoints[0].blocks) >= 150
    await engine.stop()
    engine.start_relay()
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker(QUICK)
    order = await engine.until(order_id, lambda order: order.ended)
    assert (order.status, len(order.attempts)) == ("confirmed", 2)


async def test_more_than_the_wallet_holds_fails_and_nothing_is_signed(engine: EngineHarness):
    engine.start_relay()
    engine.start_worker()
    order_id = await engine.submit(amount_in=20_000 * 10**9, slippage_bps=5_000)
    order = await engine.until(order_id, lambda order: order.ended)
    assert order.failure is not None
    assert (order.failure.code, order.failure.retryable, order.attempts) == ("insufficient_funds", False, ())


async def test_more_than_a_pool_can_count_is_more_than_the_wallet_holds(engine: EngineHarness):
    engine.start_relay()
    engine.start_worker()
    order_id = await engine.submit(amount_in=2**64 - 1)
    order = await engine.until(order_id, lambda order: order.ended)
    assert order.failure is not None
    assert order.failure.code == "insufficient_funds"


async def test_a_pair_no_venue_holds_fails_at_once(engine: EngineHarness):
    engine.start_relay()
    engine.start_worker()
    order_id = await engine.submit(token_in=BONK, token_out=JUP, amount_in=10**9)
    order = await engine.until(order_id, lambda order: order.ended)
    assert order.failure is not None
    assert order.failure.code == "no_venue"


async def test_a_slippage_failure_on_chain_leads_to_a_second_attempt_never_below_the_first_minimum(
    engine: EngineHarness,
):
    stages = engine.stages()
    order_id = await engine.submit(slippage_bps=0)
    await stages["route"].run([order_id])
    await stages["build"].run([order_id])
    rival = await engine.submit(amount_in=10 * 10**9)
    for stage in ("route", "build", "submit"):
        await stages[stage].run([rival])
    engine.start_tracker(QUICK)
    await engine.until(rival, lambda order: order.ended)
    await stages["submit"].run([order_id])
    order = await engine.until(order_id, lambda order: order.attempts[0].end is not None)
    assert order.attempts[0].end == "rejected"
    assert order.obstacle == "slippage_exceeded"
    await stages["route"].run([order_id])
    routed = await engine.order(order_id)
    assert routed.status in ("routing", "building")
    if routed.route and routed.status == "building":
        assert routed.route.minimum_out >= order.attempts[0].minimum_out


async def test_an_order_past_its_deadline_fails_with_what_stood_in_its_way(engine: EngineHarness):
    order_id = await engine.submit(deadline=now() - timedelta(seconds=1))
    await engine.stages()["route"].run([order_id])
    order = await engine.order(order_id)
    assert order.failure is not None
    assert (order.failure.code, order.failure.retryable) == ("deadline_passed", True)


async def test_the_relay_works_on_while_valkey_cannot_be_reached(engine: EngineHarness):
    unreachable = Hints(open_broker("redis://127.0.0.1:1/1"))
    relay = Relay(engine.pool, engine.events, None, engine.work, unreachable)
    lease = Lease(engine.pool, RELAY, owner="test")

    async def held() -> None:
        async with lease.hold():
            await relay.run(lease)

    running = asyncio.create_task(held())
    engine.running.append(running)
    for _ in range(2):
        order_id = await engine.submit()
        async with asyncio.timeout(10):
            while not await due(engine, order_id):
                assert not running.done(), running.exception()
                await asyncio.sleep(0.02)
    assert not running.done()


async def due(engine: EngineHarness, order_id: UUID) -> bool:
    async with engine.pool.connection() as connection:
        cursor = await connection.execute("select from work where order_id = %s and stage = 'route'", [order_id])
    return bool(cursor.rowcount)


async def test_an_order_whose_stage_always_breaks_ends_by_its_deadline(engine: EngineHarness):
    stages = engine.stages()
    order_id = await engine.submit()
    await stages["route"].run([order_id])
    engine.book._pools.clear()
    await stages["build"].run([order_id])
    assert (await engine.order(order_id)).status == "building"
    stages["build"]._clock = lambda: now() + timedelta(minutes=5)
    await stages["build"].run([order_id])
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

    alarms = alarms_raised()
    stages = engine.stages()
    order_id = await engine.submit()
    for stage in ("route", "build", "submit"):
        await stages[stage].run([order_id])
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {"getSignatureStatuses": statuses})) as url,
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

    class Sleeper(Build):
        async def _build(self, *arguments: Any) -> Any:
            command = await super()._build(*arguments)
            signed.set()
            await awake.wait()
            return command

    stages = engine.stages()
    sleeper = Sleeper(engine.orders, engine.work, now, stages["build"]._context)
    order_id = await engine.submit(slippage_bps=500)
    await stages["route"].run([order_id])
    sleeping = asyncio.create_task(sleeper.run([order_id]))
    await signed.wait()
    # Meanwhile another worker could not build, and the order is routed anew: it is at building again, by another route.
    rejected = RejectBuild("slippage_exceeded", "the price moved", (), now())
    await engine.orders.execute(await engine.history(order_id), rejected)
    await stages["route"].run([order_id])
    assert (await engine.order(order_id)).status == "building"

    awake.set()
    await sleeping

    assert (await engine.order(order_id)).attempts == ()
