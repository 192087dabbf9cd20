"""Market orders, and what an operator says of one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.tokens import BONK, JUP
from tests.chaos.node import FaultyNode
from tests.golden.runs import (
    BUY,
    PAST_ITS_LIFE,
    QUICK,
    SENDS_NOTHING,
    execute,
    history,
    is_ended,
    price,
)
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_contradictions import landed
from workers.execution.sending import signed_bytes
from workers.outcome_question import sent_transaction
from workers.tracker.resolve import Landed, Resolver


@history
async def market_sell_confirmed(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """A market order that sells, with the client's own id and the default slippage."""
    execute(engine)
    order_id = await engine.submit(client_order_id="golden-1", slippage_defaulted=True)
    await engine.until(order_id, is_ended)
    return [order_id]


@history
async def market_buy_confirmed(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """A market order that buys."""
    execute(engine)
    order_id = await engine.submit(**BUY)
    await engine.until(order_id, is_ended)
    return [order_id]


@history
async def market_failed_final(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Ended by a final code: the simulation says that the wallet holds too little; and no venue trades the pair."""
    execute(engine)
    poor = await engine.submit(amount_in=20_000 * 10**9, slippage_bps=5_000)
    nowhere = await engine.submit(token_in=BONK, token_out=JUP, amount_in=10**9)
    for order_id in (poor, nowhere):
        await engine.until(order_id, is_ended)
    return [poor, nowhere]


@history
async def market_failed_by_deadline(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """The price moves away between route and build and stays there: the last quotes are told with the failure."""
    order_id = await engine.submit(slippage_bps=0, deadline=now() + timedelta(seconds=3))
    await engine.route(order_id)
    await price(engine, "140")
    execute(engine)
    await engine.until(order_id, is_ended)
    return [order_id]


@history
async def market_rejected_then_confirmed(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Its first transaction fails on chain by slippage, its second succeeds once the price is back."""
    order_id = await engine.submit(slippage_bps=0)
    await engine.build(order_id)
    await price(engine, "149")
    await engine.execute(order_id)
    engine.start_tracker(QUICK)
    await engine.until(order_id, lambda order: order.attempts[0].end == "rejected")
    await engine.stop()
    await price(engine, "152")
    execute(engine)
    await engine.until(order_id, is_ended)
    return [order_id]


@history
async def market_expired_then_confirmed(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Its first transaction is never sent and proven expired; its second is confirmed."""
    order_id = await engine.submit()
    await engine.build(order_id)
    await node.blocks(PAST_ITS_LIFE)
    engine.start_tracker(SENDS_NOTHING)
    await engine.until(order_id, lambda order: order.attempts[0].end == "expired")
    await engine.stop()
    execute(engine)
    await engine.until(order_id, is_ended)
    return [order_id]


@history
async def market_sent_by_the_tracker(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Nobody records the first send: the landing tells it, in one request with the outcome."""
    order_id = await engine.submit()
    await engine.build(order_id)
    await engine.chain.send(signed_bytes(await engine.history(order_id), 1))
    await landed(engine, order_id, 1)
    return [order_id]


@history
async def operator_resolved(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """History is purged everywhere: an operator calls one attempt expired, and of another order one landed."""
    lost, swapped = await engine.submit(), await engine.submit()
    for order_id in (lost, swapped):
        await engine.build(order_id)
    await engine.chain.send(signed_bytes(await engine.history(swapped), 1))
    fill = await _landing(engine, swapped)
    await node.fault("blind")
    await node.fault("purged", keeps=20)
    await node.blocks(PAST_ITS_LIFE)
    resolver = Resolver(engine.orders, engine.accounts, engine.chain)
    await resolver.expired(lost, 1, "the explorer shows no transaction", now())
    told = Landed(fill.slot, fill.amount_out, fill.fee_lamports)
    await resolver.landed(swapped, 1, told, "seen in the explorer", now())
    await node.clear()
    execute(engine)
    await engine.until(lost, is_ended)
    return [lost, swapped]


async def _landing(engine: EngineHarness, order_id: UUID) -> Any:
    order = await engine.order(order_id)
    attempt = order.attempts[0]
    sent = sent_transaction(order, attempt)
    async with asyncio.timeout(10):
        while not (found := await engine.chain.landing(sent, "confirmed")):
            await asyncio.sleep(0.02)
    return found
