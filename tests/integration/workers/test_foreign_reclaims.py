"""A guard that was closed by the lost end of the log, or by another engine with the same wallet and guard key."""

from __future__ import annotations

import asyncio
import contextlib
from typing import cast
from uuid import uuid4

import pytest

from chains.reclaim_landings import ReclaimShown
from chains.solana_client import SolanaChain
from commands.ids import DEFAULT_ACCOUNT
from domain.account import guard_key_stream
from domain.reclaim_events import ReclaimExpired
from tests.integration.workers.harness import EngineHarness, Unsent
from tests.integration.workers.test_foreign_transactions import compared, found_behind, recovered
from tests.integration.workers.test_reclaim import (
    SHORT,
    Changed,
    close_outside,
    confirmed,
    guard_of,
    is_there,
    past_its_height,
    reclaims,
    until,
)
from workers.reclaim import sent_reclaims

pytestmark = pytest.mark.usefixtures("looks_often")


async def test_a_reclaim_the_log_does_not_know_halts_and_its_guard_is_not_missed_once_it_is_recorded(
    engine: EngineHarness,
) -> None:
    kept, closed = await confirmed(engine, 2)
    await past_its_height(engine, kept, closed)
    await compared(engine)
    await close_outside(engine, guard_of(engine, closed))

    reason = await found_behind(engine)
    assert "of reclaim " in reason and "which the log doesn't know" in reason
    await recovered(engine)
    [found] = await engine.store.foreign_reclaims.found(DEFAULT_ACCOUNT)
    assert found.guards == (guard_of(engine, closed),)
    assert not found.failed and set(found.received.values()) == {2_039_280}
    # Recorded once: neither the next comparison nor the reclaimer takes it for something new.
    await compared(engine)
    engine.start_reclaimer(SHORT)
    rows = await until(engine, lambda rows: rows.get(kept, {}).get("returned"))
    assert closed not in rows
    assert not await is_there(engine, kept)
    assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted
    assert await engine.accounts.contradictions(DEFAULT_ACCOUNT) == []


async def test_a_reclaim_whose_guard_one_of_elsewhere_has_closed_is_not_said_to_have_landed(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never left: that its guards are gone is the other one's doing."""
    monkeypatch.setattr(sent_reclaims, "LOOK_FOR_S", 1.0)
    [order_id] = await confirmed(engine)
    await past_its_height(engine, order_id)
    await compared(engine)
    honest, engine.chain = engine.chain, cast(SolanaChain, Unsent(engine.chain))
    with contextlib.suppress(asyncio.CancelledError):
        await engine.start_reclaimer(SHORT)
    engine.chain = honest
    [reclaim] = await reclaims(engine)
    await close_outside(engine, guard_of(engine, order_id))
    await found_behind(engine)
    looks: list[str] = []

    async def shown(signature: str, wallet: str) -> ReclaimShown:
        looks.append(signature)
        return await honest.reclaim_shown(signature, wallet)

    engine.chain = cast(SolanaChain, Changed(honest, reclaim_shown=shown))
    engine.start_reclaimer(SHORT)
    async with asyncio.timeout(60):
        while len(looks) < 4:
            await asyncio.sleep(0.1)
    # The account is halted by what closed it, and nobody has said yet what that was.
    [reclaim] = await reclaims(engine)
    assert reclaim.end is None
    await recovered(engine)
    await until(engine, lambda rows: order_id not in rows)
    [reclaim] = await reclaims(engine)
    assert isinstance(reclaim.end, ReclaimExpired)
    assert await engine.accounts.contradictions(DEFAULT_ACCOUNT) == []


async def test_a_memo_that_names_another_stream_of_the_log_is_no_reclaim(engine: EngineHarness) -> None:
    """Anybody can write one, and knows the ids of some streams: they follow from the account's."""
    [order_id] = await confirmed(engine, 1)
    reclaims = engine.store.reclaims
    for stream_id in (guard_key_stream(DEFAULT_ACCOUNT), order_id, uuid4()):
        assert not await reclaims.knows(stream_id, "any signature")
