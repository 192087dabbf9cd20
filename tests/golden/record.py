"""Records golden histories by real runs: `python -m pytest tests/golden/record.py`.

Once recorded a history stays as it is: a name that exists is passed over. A new kind of order gets a run here and a
file of its own. Signed bytes are those of a local chain's throw-away wallet, and are blanked all the same.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from chains.protocol import SentTransaction
from commands.dead_letters import DeadLetters
from commands.ids import DEFAULT_ACCOUNT
from domain.account import (
    ACCOUNT_EVENTS,
    SetAside,
    dead_letters_stream,
    reconciliation_stream,
    trading_stream,
)
from domain.commands import RecordExpiry
from domain.events import ORDER_EVENTS, TransactionBuilt
from domain.order import Order
from domain.tokens import BONK, JUP, SOL, USDC
from event_store.mapper import EventMapper
from event_store.types import RecordedEvent
from runtime.localnet.price import move
from tests.chaos.node import FaultyNode
from tests.golden.history import DIRECTORY, write
from tests.integration.workers.conftest import Desks, now
from tests.integration.workers.test_contradictions import forged, landed, run_to
from workers.resolve import Landed, Resolver
from workers.submit import signed_bytes
from workers.tracker import Pace

QUICK = Pace(poll=0.02, poll_confirmed=0.05, rebroadcast=0.2, first_send=0.2, heights=0.05, proof=0.1, rows=0.5)
SENDS_NOTHING = replace(QUICK, rebroadcast=999, first_send=999)
PAST_ITS_LIFE = 200  # blocks
MAPPER = EventMapper((*ORDER_EVENTS, *ACCOUNT_EVENTS))
BUY: dict[str, Any] = {"token_in": USDC, "token_out": SOL, "amount_in": 75 * 10**6}
LIMIT: dict[str, Any] = {"type": "limit", "amount_in": 10**9}
STOP: dict[str, Any] = {"type": "stop-limit", "amount_in": 10**9}

Run = Callable[[Desks, FaultyNode], Coroutine[Any, Any, Sequence[UUID]]]
RUNS: dict[str, Run] = {}


def history(run: Run) -> Run:
    """Its name is the file's, its docstring what the file is about; it returns the streams to keep."""
    RUNS[run.__name__] = run
    return run


def execute(desks: Desks) -> None:
    desks.start_relay()
    desks.start_sweeper()
    desks.start_worker()
    desks.start_tracker(QUICK)


async def price(desks: Desks, to: str) -> None:
    await move(desks.rpc_url, desks.market_key, "SOL/USDC", Decimal(to))


def is_ended(order: Order) -> bool:
    return order.ended


@history
async def market_sell_confirmed(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """A market order that sells, with the client's own id and the default slippage."""
    execute(desks)
    order_id = await desks.submit(client_order_id="golden-1", slippage_defaulted=True)
    await desks.until(order_id, is_ended)
    return [order_id]


@history
async def market_buy_confirmed(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """A market order that buys."""
    execute(desks)
    order_id = await desks.submit(**BUY)
    await desks.until(order_id, is_ended)
    return [order_id]


@history
async def market_failed_final(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """Ended by a final code: the simulation says that the wallet holds too little; and no venue trades the pair."""
    execute(desks)
    poor = await desks.submit(amount_in=20_000 * 10**9, slippage_bps=5_000)
    nowhere = await desks.submit(token_in=BONK, token_out=JUP, amount_in=10**9)
    for order_id in (poor, nowhere):
        await desks.until(order_id, is_ended)
    return [poor, nowhere]


@history
async def market_failed_by_deadline(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """The price moves away between route and build and stays there: the last quotes are told with the failure."""
    order_id = await desks.submit(slippage_bps=0, deadline=now() + timedelta(seconds=3))
    await run_to(desks, order_id, "route")
    await price(desks, "140")
    execute(desks)
    await desks.until(order_id, is_ended)
    return [order_id]


@history
async def market_rejected_then_confirmed(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """Its first transaction fails on chain by slippage, its second succeeds once the price is back."""
    order_id = await desks.submit(slippage_bps=0)
    await run_to(desks, order_id, "build")
    await price(desks, "149")
    await desks.stages()["submit"].run([order_id])
    desks.start_tracker(QUICK)
    await desks.until(order_id, lambda order: order.attempts[0].end == "rejected")
    await desks.stop()
    await price(desks, "152")
    execute(desks)
    await desks.until(order_id, is_ended)
    return [order_id]


@history
async def market_expired_then_confirmed(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """Its first transaction is never sent and proven expired; its second is confirmed."""
    order_id = await desks.submit()
    await run_to(desks, order_id, "build")
    await node.blocks(PAST_ITS_LIFE)
    desks.start_tracker(SENDS_NOTHING)
    await desks.until(order_id, lambda order: order.attempts[0].end == "expired")
    await desks.stop()
    execute(desks)
    await desks.until(order_id, is_ended)
    return [order_id]


@history
async def market_sent_by_the_tracker(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """Nobody records the first send: the landing tells it, in one request with the outcome."""
    order_id = await desks.submit()
    await run_to(desks, order_id, "build")
    await desks.chain.send(signed_bytes(await desks.history(order_id), 1))
    await landed(desks, order_id, 1)
    return [order_id]


@history
async def operator_resolved(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """History is purged everywhere: an operator calls one attempt expired, and of another order one landed."""
    lost, swapped = await desks.submit(), await desks.submit()
    for order_id in (lost, swapped):
        await run_to(desks, order_id, "build")
    await desks.chain.send(signed_bytes(await desks.history(swapped), 1))
    fill = await _landing(desks, swapped)
    await node.fault("blind")
    await node.fault("purged", keeps=20)
    await node.blocks(PAST_ITS_LIFE)
    resolver = Resolver(desks.orders, desks.chain)
    await resolver.expired(lost, 1, "the explorer shows no transaction", now())
    told = Landed(fill.slot, fill.amount_out, fill.fee_lamports)
    await resolver.landed(swapped, 1, told, "seen in the explorer", now())
    await node.clear()
    execute(desks)
    await desks.until(lost, is_ended)
    return [lost, swapped]


async def _landing(desks: Desks, order_id: UUID) -> Any:
    order = await desks.order(order_id)
    attempt = order.attempts[0]
    sent = SentTransaction(attempt.signature, attempt.wallet, order.token_in.mint, order.token_out.mint)
    async with asyncio.timeout(10):
        while not (found := await desks.chain.landing(sent, "confirmed")):
            await asyncio.sleep(0.02)
    return found


@history
async def limit_rests_by_limit_not_met(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """Its quotes at size fall short, it rests, and fires again at a better price."""
    desks.start_watcher()
    execute(desks)
    order_id = await desks.submit(**{**LIMIT, "amount_in": 5_000 * 10**9}, limit_price=Decimal("149.69"))
    await desks.until(order_id, lambda order: order.rest is not None)
    await price(desks, "153")
    await desks.until(order_id, is_ended)
    return [order_id]


@history
async def limit_rests_by_rejections(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """Three builds fail since it was triggered: it rests until an instant, and is armed again then."""
    desks.start_watcher()
    order_id = await desks.submit(**LIMIT, slippage_bps=0, limit_price=Decimal(140))
    await desks.until(order_id, lambda order: order.status == "routing")
    for _ in range(3):
        await price(desks, "160")
        await run_to(desks, order_id, "route")
        await price(desks, "150")
        await desks.stages()["build"].run([order_id])
    rested = await desks.order(order_id)
    assert rested.rest
    assert rested.rest.armed_at
    execute(desks)
    await desks.until(order_id, is_ended, within=60)
    return [order_id]


@history
async def limit_buy_confirmed(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """A limit order that buys once the price falls."""
    desks.start_watcher()
    execute(desks)
    order_id = await desks.submit(type="limit", **BUY, limit_price=Decimal(148))
    await price(desks, "147")
    await desks.until(order_id, is_ended)
    return [order_id]


@history
async def stop_limit_sell_latched(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """Its stop is reached, the limit later: the stop stays reached in between."""
    desks.start_watcher()
    execute(desks)
    order_id = await desks.submit(**STOP, stop_price=Decimal(145), limit_price=Decimal(149))
    await price(desks, "144")
    await desks.until(order_id, lambda order: order.stop_reached)
    await price(desks, "151")
    await desks.until(order_id, is_ended)
    return [order_id]


@history
async def stop_limit_buy_at_once(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """Stop and limit are met by one observation."""
    desks.start_watcher()
    execute(desks)
    order_id = await desks.submit(type="stop-limit", **BUY, stop_price=Decimal(152), limit_price=Decimal(156))
    await price(desks, "154")
    await desks.until(order_id, is_ended)
    return [order_id]


@history
async def open_orders(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """Orders in the middle of their lives: one waits for its price, one is routed, one may still land."""
    waiting = await desks.submit(**LIMIT, limit_price=Decimal(1_000))
    routed, live = await desks.submit(), await desks.submit()
    await run_to(desks, routed, "route")
    await run_to(desks, live, "submit")
    return [waiting, routed, live]


@history
async def contradiction_halts_and_resumes(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """An attempt that a lying node called expired lands after all, then the second: trading halts, and is resumed."""
    order_id = await desks.submit()
    await run_to(desks, order_id, "build")
    first = signed_bytes(await desks.history(order_id), 1)
    evidence = forged((await desks.order(order_id)).attempts[0])
    await desks.orders.execute(await desks.history(order_id), RecordExpiry(1, evidence, now()))
    await run_to(desks, order_id, "build")
    await desks.chain.send(first)
    await landed(desks, order_id, 1)
    desks.start_tracker(SENDS_NOTHING)
    await desks.chain.send(signed_bytes(await desks.history(order_id), 2))
    async with asyncio.timeout(15):
        while not (await desks.accounts.trading(DEFAULT_ACCOUNT)).halted:
            await asyncio.sleep(0.05)
    late = await desks.submit(deadline=now() + timedelta(seconds=2))
    desks.start_relay()
    desks.start_sweeper()
    desks.start_worker()
    await desks.until(late, is_ended)
    await desks.accounts.resume(DEFAULT_ACCOUNT, "the two swaps are settled by hand")
    return [order_id, late, reconciliation_stream(DEFAULT_ACCOUNT), trading_stream(DEFAULT_ACCOUNT)]


@history
async def halted(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """A confirmed swap is dropped by a fork and never lands again: noted, and trading stays halted."""
    execute(desks)
    order_id = await desks.submit()
    confirmed = await desks.until(order_id, is_ended)
    assert confirmed.fill
    await node.fault("drop")
    await node.fault("stall")
    slot = await node.truth("getSlot", {"commitment": "processed"})
    await node.fork(slot - confirmed.fill.slot + 1, confirmed=True)
    await node.blocks(PAST_ITS_LIFE)
    async with asyncio.timeout(15):
        while not (await desks.accounts.trading(DEFAULT_ACCOUNT)).halted:
            await asyncio.sleep(0.05)
    return [order_id, reconciliation_stream(DEFAULT_ACCOUNT), trading_stream(DEFAULT_ACCOUNT)]


@history
async def given_up(desks: Desks, node: FaultyNode) -> Sequence[UUID]:
    """Set aside by a stage, taken up again, and at last given up by an operator."""
    order_id = await desks.submit()
    await run_to(desks, order_id, "route")
    desk = DeadLetters(desks.events, desks.orders._appender, MAPPER, desks.orders)
    letter = SetAside(processor="build", version=3, error="UnknownPool", attempts=8, since=now())
    await desk.retried(order_id, [letter], "operator@host")
    again = letter.model_copy(update={"since": now()})
    await desk.discard(order_id, [again], "operator@host", "its pool is gone")
    return [order_id, dead_letters_stream(DEFAULT_ACCOUNT)]


@pytest.mark.parametrize("name", RUNS)
async def test_record(desks: Desks, node: FaultyNode, name: str) -> None:
    if (DIRECTORY / f"{name}.json").exists():
        pytest.skip("recorded once, kept for ever")
    streams = [await desks.events.load(stream_id) for stream_id in await RUNS[name](desks, node)]
    write(name, (RUNS[name].__doc__ or "").strip(), MAPPER, [[_blanked(one) for one in stream] for stream in streams])


def _blanked(recorded: RecordedEvent) -> RecordedEvent:
    if recorded.topic != TransactionBuilt.TOPIC:
        return recorded
    signed: str = json.loads(recorded.state)["data"]["transaction"]
    blank = base64.b64encode(bytes(len(base64.b64decode(signed)))).decode()
    return replace(recorded, state=recorded.state.replace(signed.encode(), blank.encode()))
