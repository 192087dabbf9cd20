"""Market orders, and what an operator says of one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from chains.protocol import SentTransaction
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
from tests.integration.workers.conftest import EngineHarness, now
from tests.integration.workers.test_contradictions import landed, run_to
from workers.stages.submit import signed_bytes
from workers.tracker.resolve import Landed, Resolver


@history
async def market_sell_confirmed(desks: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """A market order that sells, with the client's own id and the default slippage."""
    execute(desks)
    order_id = await desks.submit(client_order_id="golden-1", slippage_defaulted=True)
    await desks.until(order_id, is_ended)
    return [order_id]


@history
async def market_buy_confirmed(desks: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """A market order that buys."""
    execute(desks)
    order_id = await desks.submit(**BUY)
    await desks.until(order_id, is_ended)
    return [order_id]


@history
async def market_failed_final(desks: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Ended by a final code: the simulation says that the wallet holds too little; and no venue trades the pair."""
    execute(desks)
    poor = await desks.submit(amount_in=20_000 * 10**9, slippage_bps=5_000)
    nowhere = await desks.submit(token_in=BONK, token_out=JUP, amount_in=10**9)
    for order_id in (poor, nowhere):
        await desks.until(order_id, is_ended)
    return [poor, nowhere]


@history
async def market_failed_by_deadline(desks: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """The price moves away between route and build and stays there: the last quotes are told with the failure."""
    order_id = await desks.submit(slippage_bps=0, deadline=now() + timedelta(seconds=3))
    await run_to(desks, order_id, "route")
    await price(desks, "140")
    execute(desks)
    await desks.until(order_id, is_ended)
    return [order_id]


@history
async def market_rejected_then_confirmed(desks: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
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
async def market_expired_then_confirmed(desks: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
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
async def market_sent_by_the_tracker(desks: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Nobody records the first send: the landing tells it, in one request with the outcome."""
    order_id = await desks.submit()
    await run_to(desks, order_id, "build")
    await desks.chain.send(signed_bytes(await desks.history(order_id), 1))
    await landed(desks, order_id, 1)
    return [order_id]


@history
async def operator_resolved(desks: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
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


async def _landing(desks: EngineHarness, order_id: UUID) -> Any:
    order = await desks.order(order_id)
    attempt = order.attempts[0]
    sent = SentTransaction(attempt.signature, attempt.wallet, order.token_in.mint, order.token_out.mint)
    async with asyncio.timeout(10):
        while not (found := await desks.chain.landing(sent, "confirmed")):
            await asyncio.sleep(0.02)
    return found
