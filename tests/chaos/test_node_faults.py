"""Every fault of a node against the real execution side: the order ends right, once, when the node is well again."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from tests.chaos.execution import PAST_ITS_LIFE, TEN_MINUTES, asked, execute, on_chain, undecided, until
from tests.chaos.node import FaultyNode
from tests.chaos.verdict import judge
from tests.integration.workers.harness import EngineHarness

MOST_ROUNDS = 6

ILL = {
    "a node that is behind": [("error", {"code": -32005})],
    "a preflight that fails": [("error", {"code": -32002})],
    "an error after the transaction was taken": [("error", {"code": -32603, "executed": True})],
    "too many requests": [("http", {"status": 429})],
    "an overloaded gateway": [("http", {"status": 503, "executed": True})],
    "HTML": [("html", {})],
    "half a JSON": [("half", {})],
    "no answer": [("timeout", {})],
    "no answer to what was done": [("timeout", {"executed": True})],
    "slow answers": [("slow", {"by": 0.2})],
    "transactions dropped": [("drop", {})],
    "transactions delayed": [("delay", {"blocks": 20})],
    "transactions doubled": [("duplicate", {"times": 5})],
    "statuses that lag": [("behind", {"slots": 10})],
    "slots that stall": [("stall", {})],
    "forks": [("fork", {})],
    "all of it": [
        ("http", {"status": 503, "executed": True}),
        ("half", {}),
        ("drop", {}),
        ("duplicate", {}),
        ("behind", {"slots": 10}),
        ("fork", {}),
    ],
}


@pytest.mark.parametrize("faults", ILL.values(), ids=ILL.keys())
async def test_while_a_node_is_ill_orders_go_on_and_each_ends_with_one_swap(
    engine: EngineHarness, node: FaultyNode, faults: list[tuple[str, dict[str, Any]]]
) -> None:
    before = (await node.report())["struck"]
    execute(engine)
    ids: list[UUID] = []
    for attempt in range(MOST_ROUNDS):
        # A second may pass by all that a fault would strike: then the node is ill once more.
        for seed, (name, params) in enumerate(faults, 100 * attempt):
            await node.fault(name, probability=0.4, seed=seed, seconds=1.0, **params)
        fresh = await asyncio.gather(*(engine.submit() for _ in range(5)))
        for order_id in fresh:
            await engine.until(order_id, lambda order: order.ended, within=25)
        ids += fresh
        after = (await node.report())["struck"]
        if all(after.get(name, 0) > before.get(name, 0) for name, _ in faults):
            break
    else:
        raise AssertionError(f"not every fault struck in {MOST_ROUNDS} rounds: {after}")
    await judge(engine, node, ids)


BLIND_TO_EXPIRY = {
    "heights that stand still": ("getBlockHeight", "stale", {"slots": 10**6}),
    "a stale epoch": ("getGenesisHash", "stale", {"slots": 10**6, "methods": ("getEpochInfo",)}),
    "statuses older than the height": ("getGenesisHash", "behind", {"slots": 300}),
    "another chain": ("getGenesisHash", "genesis", {}),
    "guards that are not to be had": (
        "getMultipleAccounts",
        "error",
        {"methods": ("getMultipleAccounts",), "code": -32005},
    ),
    "guards as HTML": ("getMultipleAccounts", "html", {"methods": ("getMultipleAccounts",)}),
    "half an epoch": ("getEpochInfo", "half", {"methods": ("getEpochInfo",)}),
    "no answer about the chain": ("getGenesisHash", "timeout", {"methods": ("getGenesisHash",)}),
}


@pytest.mark.parametrize(("question", "name", "params"), BLIND_TO_EXPIRY.values(), ids=BLIND_TO_EXPIRY.keys())
async def test_what_never_landed_is_signed_again_only_once_its_expiry_can_be_proven(
    engine: EngineHarness, node: FaultyNode, question: str, name: str, params: dict[str, Any]
) -> None:
    await node.fault("drop")
    execute(engine)
    order_id = await engine.submit()
    await engine.until(order_id, lambda order: order.status == "submitted")
    await node.fault(name, **params)
    await node.blocks(PAST_ITS_LIFE)
    await asked(node, question, 5)
    assert undecided(await engine.order(order_id))

    await node.clear()

    # The second attempt's blockhash may be as old: then its life has to pass, too.
    await engine.until(order_id, lambda order: order.ended, within=45)
    (order,) = await judge(engine, node, [order_id])
    # The blockhash of the last second is old too where hundreds of blocks were closed at once: then there are three.
    ends = [attempt.end for attempt in order.attempts]
    assert (set(ends[:-1]), ends[-1]) == ({"expired"}, "confirmed")


async def test_null_for_what_landed_is_no_proof_for_however_long(engine: EngineHarness, node: FaultyNode) -> None:
    await node.fault("blind")
    execute(engine)
    order_id = await engine.submit()
    await until(lambda: on_chain(node, order_id))
    await engine.until(order_id, lambda order: order.status == "submitted")
    await node.blocks(TEN_MINUTES)
    await asked(node, "getGenesisHash", 10)
    assert undecided(await engine.order(order_id))

    await node.clear()

    await engine.until(order_id, lambda order: order.ended)
    (order,) = await judge(engine, node, [order_id])
    assert len(order.attempts) == 1
