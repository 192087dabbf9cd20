"""Confirmed orders that a fork made another: each is restated as the chain has it for good."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from domain.commands import RequestCancel
from tests.chaos.node import FaultyNode
from tests.chaos.test_forks_of_confirmed_orders import confirmed_and_forked, restated, send, two_attempts
from tests.golden.joined_runs import all_attempts_ended
from tests.golden.runs import PAST_ITS_LIFE, SENDS_NOTHING, history
from tests.integration.workers.harness import EngineHarness


@history
async def restated_by_forks(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """A fork puts a swap into another slot, another one lets the second swap land; in a third the cancel lands."""
    moved = await engine.submit()
    await node.fault("stall")
    await engine.execute(moved)
    await confirmed_and_forked(engine, node, SENDS_NOTHING, moved)
    await send(engine, moved, 1)
    await node.clear()
    await restated(engine, moved)
    await engine.stop()

    sibling = await two_attempts(engine, node)
    await confirmed_and_forked(engine, node, SENDS_NOTHING, sibling)
    await send(engine, sibling, 2)
    await node.clear()
    await restated(engine, sibling)
    await engine.stop()

    cancelled = await engine.submit()
    await node.fault("stall")
    await engine.execute(cancelled)
    request = RequestCancel(by="operator@host", because="it was sold elsewhere")
    await engine.orders.execute(await engine.history(cancelled), request)
    dropped = await node.fault("drop")
    await engine.execute(cancelled)
    await node.clear(dropped)
    await confirmed_and_forked(engine, node, SENDS_NOTHING, cancelled)
    await send(engine, cancelled, 2)
    await node.clear()
    await restated(engine, cancelled)
    await node.blocks(PAST_ITS_LIFE)
    for order_id in (sibling, cancelled):
        await engine.until(order_id, all_attempts_ended, within=30)
    return [moved, sibling, cancelled]
