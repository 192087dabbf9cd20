"""The dead-man's switch: what rests is cancelled within a second of its instant, whatever the market does meanwhile."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from cli.set_switches import set_switches
from commands.accounts import Behind
from commands.cancel import request_cancel
from commands.ids import DEFAULT_ACCOUNT
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from commands.recovery import Recovery
from commands.trading import TradingStates
from domain import events as e
from domain.deadman import deadman_stream
from domain.deadman_events import DeadmanSet
from projections.order_view import instant
from runtime.composition import lease_of
from runtime.roles.watcher import deadman_watch
from tests.golden.runs import price
from tests.integration.workers.harness import EngineHarness, now
from workers.watcher import deadman

WAITS = {"type": "limit", "amount_in": 10**8}
ORDERS = 20


async def arm(engine: EngineHarness, ahead: float) -> datetime:
    """Set to fire so soon, which its client could not: a test has less patience."""
    switches = engine.store.deadman
    cancel_at = now() + timedelta(seconds=ahead)
    await switches._record(DEFAULT_ACCOUNT, lambda _: DeadmanSet(cancel_at=cancel_at, by="test"), ())
    return cancel_at


async def fired(engine: EngineHarness, within: float = 60) -> None:
    async with asyncio.timeout(within):
        while (await engine.store.deadman.of(DEFAULT_ACCOUNT)).state != "fired":
            await asyncio.sleep(0.02)


async def cancelled_at(engine: EngineHarness, order_id: UUID) -> datetime:
    last = (await engine.events.load(order_id))[-1]
    assert last.topic == e.OrderCancelled.TOPIC
    return last.recorded_at


async def test_everything_that_rests_is_cancelled_within_a_second_and_what_is_live_by_the_chain(
    engine: EngineHarness,
) -> None:
    engine.start_projector()
    engine.start_watcher()
    resting = [await engine.submit(**WAITS, limit_price=Decimal(1_000)) for _ in range(ORDERS)]
    live = await engine.submit()
    await engine.build(live)
    cancel_at = await arm(engine, 1)
    await fired(engine)
    late = [await cancelled_at(engine, order_id) - cancel_at for order_id in resting]
    assert all(timedelta(0) <= one < timedelta(seconds=1) for one in late), max(late)
    asked = await engine.order(live)
    assert asked.cancellation and asked.cancellation.by == "the dead-man's switch" and not asked.ended
    last = (await engine.store.deadman.of(DEFAULT_ACCOUNT)).last
    assert last and (last.cancelled, last.pending, last.refused) == (ORDERS, 1, 0)


async def test_after_a_time_without_an_engine_it_fires_before_anything_triggers(engine: EngineHarness) -> None:
    resting = [await engine.submit(**WAITS, limit_price=Decimal(140)) for _ in range(ORDERS)]
    await arm(engine, -1)
    await price(engine, "160")
    engine.start_watcher()
    await fired(engine)
    for order_id in resting:
        topics = [event.topic for event in await engine.events.load(order_id)]
        assert topics == [e.OrderSubmitted.TOPIC, e.CancelRequested.TOPIC, e.OrderCancelled.TOPIC]


async def test_a_process_that_died_in_the_middle_is_gone_on_with(engine: EngineHarness) -> None:
    resting = await engine.submit(**WAITS, limit_price=Decimal(140))
    await arm(engine, -1)
    assert (await engine.store.deadman.fire(DEFAULT_ACCOUNT, now(), ())).state == "firing"
    engine.start_watcher()
    await fired(engine)
    assert (await engine.order(resting)).status == "cancelled"
    story = [event.topic for event in await engine.events.load(deadman_stream(DEFAULT_ACCOUNT))]
    assert story == ["account.DeadmanSet", "account.DeadmanFired", "account.DeadmanFinished"]


async def test_what_was_cancelled_before_the_process_died_is_counted(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies after some of the orders, and again after all of them; what a client cancelled isn't its."""
    engine.start_projector()
    resting = [await engine.submit(**WAITS, limit_price=Decimal(1_000)) for _ in range(5)]
    live, other = await engine.submit(), await engine.submit(**WAITS, limit_price=Decimal(1_000))
    await engine.build(live)
    await arm(engine, -1)
    switches, die_after = engine.store.deadman, 3

    async def dies(orders: OrderRepository, trading: TradingStates, order_id: UUID, **why: str) -> LoadedOrder:
        nonlocal die_after
        if die_after == 0:
            raise asyncio.CancelledError
        die_after -= 1
        return await request_cancel(orders, trading, order_id, by=why["by"], because=why["because"])

    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    async with lease_of(engine.store, "watcher").hold() as lease:
        for patched in ((deadman, "request_cancel", dies), (switches, "finish", die)):
            with monkeypatch.context() as dying, pytest.raises(asyncio.CancelledError):
                dying.setattr(*patched)
                await deadman_watch(engine.store)._fire(DEFAULT_ACCOUNT, lease)
            if patched[1] == "request_cancel":
                assert (await engine.order(other)).status == "pending"
                await engine.cancel(other)
    assert {(await engine.order(order_id)).status for order_id in resting} == {"cancelled"}
    assert (await switches.of(DEFAULT_ACCOUNT)).state == "firing"
    await engine.projected()
    engine.start_watcher()
    await fired(engine)
    last = (await switches.of(DEFAULT_ACCOUNT)).last
    assert last and (last.cancelled, last.pending, last.too_late, last.refused) == (5, 1, 0, 0)


async def test_a_client_that_lives_keeps_its_orders(engine: EngineHarness) -> None:
    engine.start_watcher()
    order_id = await engine.submit(**WAITS, limit_price=Decimal(1_000))
    await arm(engine, 0.8)
    for _ in range(6):
        await asyncio.sleep(0.3)
        await arm(engine, 0.8)
    await engine.store.deadman.set(DEFAULT_ACCOUNT, None, by="test", now=now())
    await asyncio.sleep(1.5)
    assert (await engine.order(order_id)).status == "pending"


async def test_in_a_log_that_was_put_back_it_fires_once_trading_goes_on_before_anything_triggers(
    engine: EngineHarness,
) -> None:
    resting = await engine.submit(**WAITS, limit_price=Decimal(140))
    await arm(engine, -1)
    await engine.accounts.found_behind(DEFAULT_ACCOUNT, Behind("it was put back", 1))
    engine.start_watcher()
    await price(engine, "160")
    await asyncio.sleep(1.5)
    assert (await engine.store.deadman.of(DEFAULT_ACCOUNT)).state == "armed"
    await engine.accounts.recover(DEFAULT_ACCOUNT, kept=[resting], cancelled=[], by="me", because="it is")
    await asyncio.sleep(1.5)
    assert (await engine.order(resting)).status == "pending"
    await engine.accounts.resume(DEFAULT_ACCOUNT, "looked at by hand")
    await fired(engine)
    topics = [event.topic for event in await engine.events.load(resting)]
    assert topics == [e.OrderSubmitted.TOPIC, e.CancelRequested.TOPIC, e.OrderCancelled.TOPIC]


async def test_who_recovers_a_log_is_told_of_the_switches_that_are_set(engine: EngineHarness) -> None:
    await engine.submit(**WAITS, limit_price=Decimal(140))
    recovery = Recovery(engine.events, engine.orders, engine.accounts)
    assert await set_switches(engine.store, await recovery.open_orders()) == []
    cancel_at = await arm(engine, 60)
    [line] = await set_switches(engine.store, await recovery.open_orders())
    assert str(DEFAULT_ACCOUNT) in line and instant(cancel_at) in line
