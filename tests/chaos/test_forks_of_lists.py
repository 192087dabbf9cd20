"""A fork under a confirmed order of an OCO that lets the other one's swap land: the log follows the chain."""

from __future__ import annotations

from commands.ids import DEFAULT_ACCOUNT
from domain.codes import Code
from tests.chaos.node import FaultyNode
from tests.chaos.test_forks_of_confirmed_orders import SENDS_NOTHING, TO_FINALITY, confirmed_and_forked, send
from tests.integration.workers.harness import EngineHarness


async def test_the_other_orders_swap_that_landed_in_the_place_of_a_confirmed_one_is_the_lists_fill(
    engine: EngineHarness, node: FaultyNode
) -> None:
    await node.fault("stall")
    accepted = await engine.submit_list("oco", {}, {})
    first, second = accepted.order_ids
    await engine.build(second)
    await engine.execute(first)
    before = await confirmed_and_forked(engine, node, SENDS_NOTHING, first)
    assert before.fill and (await engine.order(second)).cancellation
    await send(engine, second, 1)
    await node.blocks(TO_FINALITY)
    await send(engine, first, 1)
    await node.clear()

    other = await engine.until(second, lambda order: order.fill is not None, within=30)
    order = await engine.until(first, lambda order: order.status != "confirmed", within=30)

    assert (other.status, order.status) == ("confirmed", "cancelled")
    assert order.cancellation and order.cancellation.code == Code.OTHER_LEG_FILLED
    assert other.fill and order.guard_taken_by == other.fill.tx_hash
    for order_id in accepted.order_ids:
        await engine.until(order_id, lambda one: not one.live_attempts, within=30)
    assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted
