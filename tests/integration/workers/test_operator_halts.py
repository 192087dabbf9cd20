"""An operator's halt: no swap is built after its position; what is in flight is cancelled where that is asked."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from commands.errors import GuardFailedError
from commands.halting import Scope
from commands.ids import DEFAULT_ACCOUNT
from domain.commands import RequestCancel
from domain.events import OrderRouted, TransactionBuilt
from domain.tokens import SOL, USDC
from domain.trading_state import AccountTrading, TradingState
from projections.orders.queries import OrderList
from runtime.halts import Halts
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_execution import QUICK

WHY = {"by": "test", "because": "the test"}


async def set_to(engine: EngineHarness, state: TradingState, scope: Scope | None = None) -> int:
    return await engine.store.halting.set(scope or Scope(), state, **WHY)


async def visit(engine: EngineHarness, *order_ids: object) -> None:
    executor = engine.executor()
    await executor.take(list(order_ids))  # type: ignore[arg-type]
    await executor.settled()


async def count_built(engine: EngineHarness, order_id: object) -> int:
    return sum(isinstance(event, TransactionBuilt) for event in (await engine.history(order_id)).events)  # type: ignore[arg-type]


@pytest.mark.parametrize("scope", [Scope(), Scope(account_id=DEFAULT_ACCOUNT)], ids=["engine", "account"])
async def test_no_swap_is_built_while_it_stands_and_orders_go_on_after(engine: EngineHarness, scope: Scope) -> None:
    order_id = await engine.submit()
    await set_to(engine, "halted", scope)
    await visit(engine, order_id)
    assert await count_built(engine, order_id) == 0
    assert (await engine.order(order_id)).status == "routing"
    await set_to(engine, "active", scope)
    await visit(engine, order_id)
    assert await count_built(engine, order_id) == 1


async def test_a_swap_that_was_signed_before_the_halt_is_not_recorded_after_it(engine: EngineHarness) -> None:
    """The version of the engine's trading stream is a guard of its append, also where it had none before."""
    trading = await engine.store.trading.of(DEFAULT_ACCOUNT)
    position = await set_to(engine, "halted")
    order_id = await engine.submit()
    guards = engine.store.trading.guards(DEFAULT_ACCOUNT, trading)
    history = await engine.history(order_id)
    with pytest.raises(GuardFailedError):
        await engine.orders.execute(history, RequestCancel(by="x", because="y"), guards=guards)
    assert position > 0


async def test_while_reducing_sells_are_built_and_buys_wait(engine: EngineHarness) -> None:
    sell = await engine.submit()
    buy = await engine.submit(token_in=USDC, token_out=SOL, amount_in=75 * 10**6)
    await set_to(engine, "reducing")
    await visit(engine, sell, buy)
    assert (await count_built(engine, sell), await count_built(engine, buy)) == (1, 0)


@pytest.mark.parametrize("what", ["reducing", "venue"])
async def test_what_was_built_before_is_not_sent_after(engine: EngineHarness, what: str) -> None:
    order_id = await engine.submit(token_in=USDC, token_out=SOL, amount_in=75 * 10**6)
    await engine.build(order_id)
    venue = (await engine.order(order_id)).attempts[0].venue
    await (set_to(engine, "reducing") if what == "reducing" else set_to(engine, "halted", Scope(venue=venue)))
    engine.start_tracker(QUICK)
    await visit(engine, order_id)
    await asyncio.sleep(2)
    assert not (await engine.order(order_id)).attempts[0].submitted
    await (set_to(engine, "active") if what == "reducing" else set_to(engine, "active", Scope(venue=venue)))
    assert (await engine.until(order_id, lambda order: order.ended)).status == "confirmed"


async def test_a_halted_venue_is_not_routed_to_and_the_others_are(engine: EngineHarness) -> None:
    first = await engine.submit()
    await visit(engine, first)
    chosen = next(e for e in (await engine.history(first)).events if isinstance(e, OrderRouted)).chosen.venue
    await set_to(engine, "halted", Scope(venue=chosen.upper()))
    second = await engine.submit()
    await visit(engine, second)
    routed = next(e for e in (await engine.history(second)).events if isinstance(e, OrderRouted))
    assert routed.chosen.venue != chosen
    assert [(one.venue, one.detail) for one in routed.refusals] == [(chosen, "halted by an operator")]


async def test_what_was_routed_to_a_venue_before_it_was_halted_is_routed_anew(engine: EngineHarness) -> None:
    order_id = await engine.submit()
    await engine.route(order_id)
    routed = (await engine.order(order_id)).route
    assert routed is not None
    await set_to(engine, "halted", Scope(venue=routed.chosen.venue))
    await visit(engine, order_id)
    assert await count_built(engine, order_id) == 0
    await visit(engine, order_id)
    again = (await engine.order(order_id)).route
    assert await count_built(engine, order_id) == 1 and again is not None
    assert again.chosen.venue != routed.chosen.venue


async def test_with_cancel_live_what_is_in_flight_is_cancelled_by_the_chain(engine: EngineHarness) -> None:
    in_flight = await engine.submit()
    await engine.build(in_flight)
    waits = await engine.submit(type="limit", limit_price=Decimal(1_000_000))
    engine.start_projector()
    halts = Halts(
        engine.store.halting, engine.orders, engine.store.trading,
        OrderList(engine.pool, engine.store.ask_for_hurry),
    )  # fmt: skip
    assert await halts.set(Scope(), "halted", **WHY, cancel_live=True) == 1
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker()
    async with asyncio.timeout(60):
        while not (await engine.order(in_flight)).ended:
            await asyncio.sleep(0.1)
    assert (await engine.order(in_flight)).status == "cancelled"
    assert (await engine.order(waits)).cancellation is None


async def test_a_venue_has_in_flight_what_an_attempt_by_it_may_still_land_though_routed_elsewhere_since(
    engine: EngineHarness,
) -> None:
    order_id = await engine.submit()
    await engine.build(order_id)
    route = (await engine.order(order_id)).route
    assert route is not None
    engine.start_projector()
    orders = OrderList(engine.pool, engine.store.ask_for_hurry)
    async with asyncio.timeout(20):
        while await orders.in_flight(None, None) != [order_id]:
            await asyncio.sleep(0.1)
    async with engine.pool.connection() as connection:
        await connection.execute(
            "update orders_v1 set state = jsonb_set(state, '{route,chosen,venue}', '\"elsewhere\"')"
        )
    assert await orders.in_flight(None, route.chosen.venue) == [order_id]
    assert await orders.in_flight(None, "elsewhere") == [order_id]
    assert await orders.in_flight(None, "nowhere") == []


@pytest.mark.parametrize("halted", [True, False], ids=["halted", "active"])
async def test_a_deadline_that_passes_while_nobody_can_say_how_it_trades_counts_only_where_it_does(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch, halted: bool
) -> None:
    order_id = await engine.submit(deadline=now() + timedelta(seconds=0.2))
    if halted:
        await set_to(engine, "halted")
    await asyncio.sleep(0.3)
    real, asked = engine.store.trading.of, 0

    async def first_unanswered(account_id: UUID) -> AccountTrading:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise psycopg.OperationalError("the connection is lost")
        return await real(account_id)

    monkeypatch.setattr(engine.store.trading, "of", first_unanswered)
    await visit(engine, order_id)
    assert asked == 2
    order = await engine.order(order_id)
    assert order.status == ("routing" if halted else "failed")
    await set_to(engine, "active")
    await visit(engine, order_id)
    assert (await engine.order(order_id)).status == "failed"


async def test_a_halt_that_comes_while_an_order_is_given_up_keeps_it(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await engine.submit(deadline=now() + timedelta(seconds=0.2))
    await asyncio.sleep(0.3)
    before = await engine.store.trading.of(DEFAULT_ACCOUNT)
    await set_to(engine, "halted")
    asked = 0

    async def behind_the_log(_: UUID) -> AccountTrading:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise psycopg.OperationalError("the connection is lost")
        return before

    monkeypatch.setattr(engine.store.trading, "of", behind_the_log)
    await visit(engine, order_id)
    assert asked == 2 and (await engine.order(order_id)).status == "routing"
