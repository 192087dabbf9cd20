"""A log that was put back has lost slices that the chain has executed: they become orders, which say so, whatever has
become of their list.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from commands.accounts import Behind
from commands.halting import Scope
from commands.ids import DEFAULT_ACCOUNT
from domain.twap import Twap
from event_store.hash_chain.verification import Finding
from tests.golden.account_runs import foreign
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_before_the_comparison import Comparison
from tests.integration.workers.test_twap import RESTS, _all_begun, begun, count, submit, until
from tests.integration.workers.test_twap_held_up import list_now
from verification.report import Report, untracked
from verification.run import verify_everything


async def executed(engine: EngineHarness, twap: Twap, *numbers: int) -> None:
    found = [foreign(twap.order_id(number), 1, slot=300 + number) for number in numbers]
    assert await engine.store.foreign.record(DEFAULT_ACCOUNT, found) == found


async def told(engine: EngineHarness, twap: Twap, *numbers: int) -> None:
    """Each of them is an order by now, which has ended by what is on the chain."""

    async def are() -> bool:
        return {number for number, _, _ in await begun(engine, twap)} >= set(numbers)

    await until(are)
    for number in numbers:
        order = await engine.order(twap.order_id(number))
        assert order.ended and order.guard_taken_by is not None, order


async def differs(engine: EngineHarness) -> list[str]:
    """What `surefill verify` finds in the streams."""
    found: list[Finding] = []
    report, url = Report(found.append), engine.settings.database_url
    await asyncio.to_thread(verify_everything, url, "", report, untracked, None, chain=False)
    return [one.what for one in found if (one.check, one.verdict) == ("streams", "differs")]


@pytest.mark.parametrize("state", ["paused", "cancelled"])
async def test_of_a_list_that_stands_still_what_was_executed_is_told(engine: EngineHarness, state: str) -> None:
    twap = await submit(engine, **RESTS)
    await engine.accounts.found_behind(DEFAULT_ACCOUNT, Behind("the test", 0))
    await executed(engine, twap, 2, 4)
    await engine.accounts.recover(DEFAULT_ACCOUNT, kept=[], cancelled=[], by="test", because="the test")
    await engine.accounts.resume(DEFAULT_ACCOUNT, "the test")
    if state == "cancelled":
        await engine.store.twaps.cancel(twap.list_id, DEFAULT_ACCOUNT, by="test", because=None, now=now())
    engine.start_watcher()
    await told(engine, twap, 2, 4)

    async def stands() -> bool:
        return (await list_now(engine, twap)).state == state

    await until(stands)
    assert [number for number, _, _ in await begun(engine, twap)] == [2, 4]
    assert await differs(engine) == []
    if state == "paused":
        # It goes on with what is left of it.
        await engine.store.twaps.resume(twap.list_id, DEFAULT_ACCOUNT, by="test", now=now())
        await _all_begun(engine, twap)


async def test_what_was_executed_is_not_refused(engine: EngineHarness) -> None:
    await engine.store.halting.set(Scope(), "halted", by="test", because="the test")
    twap = await submit(engine)
    await executed(engine, twap, 1)
    engine.start_watcher()

    async def refused() -> bool:
        return len((await list_now(engine, twap)).refused) == twap.slices - 1

    await until(refused)
    await told(engine, twap, 1)
    assert {one.slice for one in (await list_now(engine, twap)).refused} == {2, 3, 4, 5}


async def looked_at(engine: EngineHarness, twap: Twap, *, times: int) -> None:
    """Return once the watcher has put the list off so often."""
    seen: set[datetime] = set()

    async def often() -> bool:
        seen.update(row.look_at for row in await engine.store.twaps.schedule.next(10) if row.list_id == twap.list_id)
        return len(seen) > times

    await until(often)


async def test_before_the_history_was_compared_no_slice_is_refused(engine: EngineHarness) -> None:
    engine.store.trading.compared = comparison = Comparison(DEFAULT_ACCOUNT)
    await engine.store.halting.set(Scope(), "halted", by="test", because="the test")
    twap = await submit(engine, slices=2)
    engine.start_watcher()
    await looked_at(engine, twap, times=2)
    known = await list_now(engine, twap)
    assert (known.refused, await begun(engine, twap)) == ((), [])
    await engine.accounts.found_behind(DEFAULT_ACCOUNT, Behind("the test", 0))
    await executed(engine, twap, 1)
    await engine.accounts.recover(DEFAULT_ACCOUNT, kept=[], cancelled=[], by="test", because="the test")
    await engine.accounts.resume(DEFAULT_ACCOUNT, "the test")
    await told(engine, twap, 1)
    assert (await list_now(engine, twap)).refused == ()

    async def paused() -> bool:
        return (await list_now(engine, twap)).state == "paused"

    await until(paused)
    await engine.store.twaps.resume(twap.list_id, DEFAULT_ACCOUNT, by="test", now=now())
    await looked_at(engine, twap, times=2)
    assert (await list_now(engine, twap)).refused == ()
    comparison.missing = None

    async def refused() -> bool:
        return [one.slice for one in (await list_now(engine, twap)).refused] == [2]

    await until(refused)


async def test_neither_a_list_on_paper_nor_a_slice_that_is_taken_waits_for_the_comparison(
    engine: EngineHarness,
) -> None:
    engine.store.trading.compared = Comparison(DEFAULT_ACCOUNT)
    engine.start_watcher()
    twap = await submit(engine, slices=2, **RESTS)
    await _all_begun(engine, twap)
    await engine.store.halting.set(Scope(), "halted", by="test", because="the test")
    paper = await submit(engine, slices=2, paper=True, client_list_id="on paper")

    async def refused() -> bool:
        return len((await list_now(engine, paper)).refused) == 2

    await until(refused)


async def recovered(engine: EngineHarness, twap: Twap, *numbers: int) -> None:
    """As an operator does it, who is shown that the chain has executed these slices."""
    await engine.accounts.found_behind(DEFAULT_ACCOUNT, Behind("the test", 0))
    await executed(engine, twap, *numbers)
    await engine.accounts.recover(DEFAULT_ACCOUNT, kept=[], cancelled=[], by="test", because="the test")
    await engine.accounts.resume(DEFAULT_ACCOUNT, "the test")


async def let_go(engine: EngineHarness) -> None:
    """Return once no list has a row any more."""

    async def gone() -> bool:
        return not await engine.store.twaps.schedule.of_account(DEFAULT_ACCOUNT)

    await until(gone)


async def later(engine: EngineHarness) -> None:
    """The rows are let go of ten minutes after they were asked for."""
    async with engine.pool.connection() as connection:
        await connection.execute("update twap_schedule set asked_at = asked_at - interval '11 minutes'")


@pytest.mark.parametrize("over", ["refused", "cancelled"])
async def test_of_a_list_that_is_over_what_was_executed_is_told(engine: EngineHarness, over: str) -> None:
    """Its row was let go of, and comes back with what the chain shows."""
    engine.start_projector()
    await engine.store.halting.set(Scope(), "halted", by="test", because="the test")
    twap = await submit(engine, slices=3)
    if over == "cancelled":
        await engine.store.twaps.cancel(twap.list_id, DEFAULT_ACCOUNT, by="test", because=None, now=now())
    engine.start_watcher()
    await let_go(engine)
    await recovered(engine, twap, 1, 3)
    await told(engine, twap, 1, 3)
    assert await count(engine, twap) == 2
    known = await list_now(engine, twap)
    assert known.state == ("cancelled" if over == "cancelled" else "active")
    assert len(known.refused) == (3 if over == "refused" else 0)
    await later(engine)
    await let_go(engine)
    await engine.projected()
    assert await differs(engine) == []
