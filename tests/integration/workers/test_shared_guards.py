"""The guard that orders of an OCO share is closed once, and not before all of them have ended."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest

from chains.solana_client import SolanaChain
from commands.ids import DEFAULT_ACCOUNT
from domain.commands import RecordLanding
from domain.reclaim import MOST_GUARDS
from domain.reclaim_events import ReclaimFailed
from tests.integration.verification.conftest import AuditHarness, audit
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_order_lists import settled, started
from tests.integration.workers.test_reclaim import (
    SHORT,
    Changed,
    blind_to_tokens,
    past_its_height,
    pay,
    reclaims,
    simulates_well,
    transfer_tokens,
    until,
)
from workers.outcome_question import sent_transaction
from workers.reclaim.candidates import Candidates, Judged
from workers.reclaim.guard_table import GuardRow, GuardTable

__all__ = ["audit"]


@pytest.fixture
async def filled(engine: EngineHarness) -> tuple[UUID, UUID]:
    """Two orders of an OCO: the first is filled, and what was signed for the second may land for all the log knows."""
    accepted = await engine.submit_list("oco", {}, {})
    first, second = accepted.order_ids
    await engine.build(second)
    await engine.execute(first)
    order = await engine.order(first)
    sent = sent_transaction(order, order.attempts[0])
    await until_landed(engine, sent.signature)
    landing = await engine.chain.landing(sent, "finalized")
    assert landing is not None
    await engine.orders.execute(await engine.history(first), RecordLanding(1, landing, now()))
    await past_its_height(engine, first, second)
    return first, second


async def until_landed(engine: EngineHarness, signature: str) -> None:
    while (status := (await engine.chain.statuses([signature])).found[0]) is None or status.commitment != "finalized":
        await asyncio.sleep(0.05)


async def judged(engine: EngineHarness, order_id: UUID) -> Judged:
    """What is done with the guard of ``order_id`` once its time is over."""
    candidates = Candidates(
        GuardTable(engine.pool, timedelta(0)),
        engine.events,
        engine.orders,
        engine.store.foreign_reclaims,
        engine.chain,
        wallet=engine.wallet.address,
        guard_key=engine.wallet.guard_key(),
    )
    row = GuardRow(order_id, DEFAULT_ACCOUNT, now() - timedelta(minutes=1), None, MOST_GUARDS)
    return await candidates.judge(DEFAULT_ACCOUNT, [row], engine.genesis_hash)


async def test_a_guard_stays_while_another_order_that_shares_it_has_not_ended(
    engine: EngineHarness, filled: tuple[UUID, UUID]
) -> None:
    first, second = filled
    found = await judged(engine, first)
    assert found.closable == []
    assert f"order {second} has not ended" in {one.obstacle for one in found.postponed}


async def test_its_rent_comes_back_once_and_verify_agrees(engine: EngineHarness, audit: AuditHarness) -> None:
    started(engine)
    accepted = await engine.submit_list("oco", {}, {})
    await settled(engine, accepted)
    await past_its_height(engine, *accepted.order_ids)
    engine.start_reclaimer(SHORT)
    found = await until(engine, lambda rows: len(rows) == 2 and all(row["returned"] for row in rows.values()), 60)
    assert len([row for row in found.values() if row["lamports"] is not None]) == 1, "its rent is counted once"
    [reclaim] = await reclaims(engine)
    [guard] = reclaim.built.guards
    assert {*guard.order_ids} == {*accepted.order_ids}
    await engine.stop()
    await audit.project()
    verified = await audit.verify(node=engine.rpc_url)
    assert verified.findings == []


async def test_a_reclaim_of_shared_guards_that_fails_is_halved_by_its_guards_until_what_fails_is_alone(
    engine: EngineHarness,
) -> None:
    started(engine)
    lists = [await engine.submit_list("oco", {}, {}) for _ in range(2)]
    for accepted in lists:
        await settled(engine, accepted)
        await past_its_height(engine, *accepted.order_ids)
    spoiled, well = (accepted.order_ids for accepted in lists)
    [guard, *_] = [attempt.guard for one in spoiled for attempt in (await engine.order(one)).attempts if attempt.guard]
    await pay(engine, transfer_tokens(engine, guard, 1))
    methods = {"guards": blind_to_tokens(engine.chain), "simulate": simulates_well}
    engine.chain = cast(SolanaChain, Changed(engine.chain, **methods))
    engine.start_reclaimer(SHORT)
    found = await until(
        engine,
        lambda rows: all(rows.get(one, {}).get("returned") for one in well) and rows[spoiled[0]]["obstacle"],
        within=60,
    )
    assert [(found[one]["largest"], found[one]["reclaim"]) for one in spoiled] == [(1, None)] * 2
    assert "a reclaim of it alone failed" in found[spoiled[1]]["obstacle"]
    sizes = [len(one.built.guards) for one in await reclaims(engine) if isinstance(one.end, ReclaimFailed)]
    assert sizes == [2, 1]
