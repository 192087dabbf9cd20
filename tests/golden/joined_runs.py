"""Orders with several transactions: one that joins another, and cancels."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from solders.keypair import Keypair

from domain.commands import RequestCancel
from domain.order import Order
from tests.chaos.node import FaultyNode
from tests.golden.runs import LIMIT, execute, history, is_ended
from tests.integration.workers.harness import EngineHarness, now


@history
async def joined_then_confirmed(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Its first transaction is dropped by the node, a second joins it with a higher priority fee and is confirmed."""
    joins_soon(engine)
    dropped = await node.fault("drop")
    execute(engine)
    order_id = await engine.submit()
    await engine.until(order_id, lambda order: len(order.attempts) == 2)
    await node.clear(dropped)
    await engine.until(order_id, all_attempts_ended)
    return [order_id]


@history
async def cancelled_by_chain(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """A cancel on chain ends an order whose swap may still land, and another one, that waits for a price, at once."""
    waits = await engine.submit(**LIMIT, limit_price=Decimal(900))
    live = await engine.submit()
    await engine.build(live)
    for order_id in (waits, live):
        request = RequestCancel(by="operator@host", because="it was sold elsewhere")
        await engine.orders.execute(await engine.history(order_id), request)
    execute(engine)
    await engine.until(live, all_attempts_ended)
    return [waits, live]


@history
async def cancelled_by_deadline(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Its deadline passes while its swap may still land: a cancel on chain ends it, and it has failed."""
    order_id = await engine.submit(deadline=now() + timedelta(seconds=2))
    await engine.build(order_id)
    dropped = await node.fault("drop")
    execute(engine)
    await engine.until(order_id, lambda order: order.cancellation is not None)
    await node.clear(dropped)
    await engine.until(order_id, all_attempts_ended)
    return [order_id]


@history
async def tipped_then_confirmed(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Its transaction tips a lander beside the network's fee."""
    account = str(Keypair().pubkey())
    await node.truth("requestAirdrop", account, 10**9)
    while not (await node.truth("getBalance", account, {"commitment": "confirmed"}))["value"]:
        await asyncio.sleep(0.1)
    tips = {"jito_url": "http://127.0.0.1:1", "jito_tip_accounts": (account,)}
    engine.settings = engine.settings.model_copy(update=tips)
    execute(engine)
    order_id = await engine.submit()
    await engine.until(order_id, is_ended)
    return [order_id]


def joins_soon(engine: EngineHarness) -> None:
    engine.settings = engine.settings.model_copy(update={"replace_after": 0.5})


def all_attempts_ended(order: Order) -> bool:
    return is_ended(order) and not order.live_attempts
