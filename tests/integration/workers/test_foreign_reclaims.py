"""A guard that was closed by the lost end of the log, or by another engine with the same wallet and guard key."""

from __future__ import annotations

from uuid import uuid4

from commands.ids import DEFAULT_ACCOUNT
from domain.account import guard_key_stream
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_foreign_transactions import compared, found_behind, recovered
from tests.integration.workers.test_reclaim import (
    SHORT,
    close_outside,
    confirmed,
    guard_of,
    is_there,
    past_its_height,
    until,
)


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


async def test_a_memo_that_names_another_stream_of_the_log_is_no_reclaim(engine: EngineHarness) -> None:
    """Anybody can write one, and knows the ids of some streams: they follow from the account's."""
    [order_id] = await confirmed(engine, 1)
    reclaims = engine.store.reclaims
    for stream_id in (guard_key_stream(DEFAULT_ACCOUNT), order_id, uuid4()):
        assert not await reclaims.knows(stream_id, "any signature")
