"""Rents that come back, and reclaims that don't get that far at first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from chains.solana_client import SolanaChain
from tests.chaos.node import FaultyNode
from tests.golden.runs import history
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_reclaim import (
    SHORT,
    Changed,
    blind_to_tokens,
    confirmed,
    guard_of,
    past_its_height,
    pay,
    reclaim_ids,
    simulates_well,
    transfer_tokens,
    until,
)


@history
async def rents_came_back(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """The first reclaim of two guards is dropped by the node and expires, the second one closes both."""
    order_ids = await confirmed(engine, 2)
    await past_its_height(engine, *order_ids)
    dropped = await node.fault("drop")
    engine.start_reclaimer(SHORT)
    await until(engine, lambda rows: any(row["reclaim"] for row in rows.values()))
    [first] = await reclaim_ids(engine)
    while (reclaim := await engine.store.reclaims.load(first)) is None or reclaim.end is None:
        await node.blocks(10)
    await node.clear(dropped)
    await until(engine, lambda rows: len(rows) == 2 and all(row["returned"] for row in rows.values()))
    return [*order_ids, *await reclaim_ids(engine)]


@history
async def rent_that_a_stranger_holds_up(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Tokens come into a guard between the look and the landing: the reclaim fails, and closes the other one alone."""
    order_ids = await confirmed(engine, 2)
    await past_its_height(engine, *order_ids)
    await pay(engine, transfer_tokens(engine, guard_of(engine, order_ids[0]), 1))
    methods = {"guards": blind_to_tokens(engine.chain), "simulate": simulates_well}
    engine.chain = cast(SolanaChain, Changed(engine.chain, **methods))
    engine.start_reclaimer(SHORT)
    await until(engine, lambda rows: sum(row["returned"] for row in rows.values()) == 1)
    await until(engine, lambda rows: rows[order_ids[0]]["obstacle"] is not None)
    return [*order_ids, *await reclaim_ids(engine)]
