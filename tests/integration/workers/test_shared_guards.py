"""The guard that orders of an OCO share is closed once, and not before all of them have ended."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from commands.ids import DEFAULT_ACCOUNT
from domain.commands import RecordLanding
from domain.reclaim import MOST_GUARDS
from tests.integration.verification.conftest import AuditHarness, audit
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_order_lists import settled, started
from tests.integration.workers.test_reclaim import SHORT, past_its_height, reclaims, until
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
