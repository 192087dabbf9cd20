"""Forks: what they drop is judged anew, and no confirmed swap is signed again."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from domain.tokens import SOL, USDC
from tests.chaos.execution import PAST_ITS_LIFE, QUICK, asked, execute, on_chain
from tests.chaos.node import FaultyNode
from tests.chaos.verdict import judge
from tests.integration.workers.harness import EngineHarness
from workers.execution.sending import signed_bytes
from workers.metrics import CONTRADICTIONS


async def built(engine: EngineHarness, **terms: Any) -> UUID:
    """An order whose transaction is signed, and not sent."""
    order_id = await engine.submit(**terms)
    await engine.build(order_id)
    return order_id


async def sent(engine: EngineHarness, *order_ids: UUID) -> None:
    for order_id in order_ids:
        await engine.execute(order_id)


async def newest_status(engine: EngineHarness, node: FaultyNode, order_id: UUID) -> Any:
    signature = (await engine.order(order_id)).attempts[-1].signature
    return (await node.truth("getSignatureStatuses", [signature]))["value"][0]


@pytest.mark.parametrize(("commitment", "blocks"), [("processed", 1), ("confirmed", 2)])
async def test_a_success_after_an_error_that_a_fork_dropped_is_confirmed_once(
    engine: EngineHarness, node: FaultyNode, commitment: str, blocks: int
) -> None:
    order_id = await built(engine, slippage_bps=0)
    rival = await built(engine, amount_in=10**12)
    stall = await node.fault("stall")
    await sent(engine, rival, order_id)
    await node.blocks(blocks)
    status = await newest_status(engine, node, order_id)
    assert status["err"] is not None
    assert status["confirmationStatus"] == commitment
    engine.start_tracker(QUICK)
    await asked(node, "getSignatureStatuses", 5)
    await engine.stop()

    assert await node.fork(blocks, confirmed=commitment == "confirmed")

    assert await newest_status(engine, node, order_id) is None
    await engine.chain.send(signed_bytes(await engine.history(order_id), 1))
    engine.start_tracker(QUICK)
    await node.clear(stall)
    order = await engine.until(order_id, lambda order: order.ended)
    assert len(order.attempts) == 1
    await judge(engine, node, [order_id])


async def test_an_error_after_a_success_that_a_fork_dropped_leads_to_one_more_attempt(
    engine: EngineHarness, node: FaultyNode
) -> None:
    order_id = await built(engine, slippage_bps=0)
    rival = await built(engine, amount_in=10**12)
    stall = await node.fault("stall")
    await sent(engine, order_id)
    await node.blocks(1)
    assert (await newest_status(engine, node, order_id))["err"] is None

    assert await node.fork()

    await sent(engine, rival)
    execute(engine)
    await node.clear(stall)
    order = await engine.until(order_id, lambda order: order.attempts[0].end is not None)
    assert order.attempts[0].end == "rejected"
    # Somebody trades the other way: the first attempt's minimum can be had again.
    back = await engine.submit(token_in=USDC, token_out=SOL, amount_in=200_000 * 10**6, slippage_bps=5_000)
    for one in (order_id, rival, back):
        await engine.until(one, lambda order: order.ended)
    await judge(engine, node, [order_id, rival, back])


async def test_a_node_that_is_killed_amid_forks_keeps_its_books(engine: EngineHarness, node: FaultyNode) -> None:
    async def held() -> int:
        return (await engine.chain.token_balances(engine.wallet.address, [USDC.mint]))[USDC.mint]

    before = await held()
    execute(engine)
    ids: list[UUID] = []
    for seed in range(4):
        await node.fault("fork", probability=0.5, seed=seed)
        ids += await asyncio.gather(*(engine.submit() for _ in range(5)))
        await engine.until(ids[-1], lambda order: bool(order.attempts))
        await node.kill()
        await node.start()
    for one in ids:
        await engine.until(one, lambda order: order.ended, within=25)
    orders = await judge(engine, node, ids)
    assert await held() - before == sum(order.fill.amount_out for order in orders if order.fill)


async def test_a_confirmed_swap_that_a_fork_drops_is_not_signed_again(engine: EngineHarness, node: FaultyNode) -> None:
    execute(engine)
    order_id = await engine.submit()
    confirmed = await engine.until(order_id, lambda order: order.ended)
    await node.fault("drop")
    await node.fault("stall")
    slot = await node.truth("getSlot", {"commitment": "processed"})
    assert confirmed.fill
    await node.fork(slot - confirmed.fill.slot + 1, confirmed=True)
    assert await on_chain(node, order_id) == []
    before = CONTRADICTIONS._value.get()
    await node.blocks(PAST_ITS_LIFE)
    async with asyncio.timeout(15):
        while CONTRADICTIONS._value.get() == before:
            await asyncio.sleep(0.02)
    order = await engine.order(order_id)
    assert (order.status, len(order.attempts)) == ("confirmed", 1)
