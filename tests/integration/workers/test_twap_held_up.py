"""What stops a TWAP on real parts, or holds it up: it is paused, cancelled, refused, its log was put back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
import structlog

from api.rates import Rates
from commands.accounts import Behind
from commands.errors import GuardFailedError
from commands.halting import Scope
from commands.ids import DEFAULT_ACCOUNT
from commands.ids import list_id as id_of_list
from domain.deadman_events import DeadmanSet
from domain.twap import Twap
from event_store.errors import LeaseLostError
from event_store.types import AppendRequest, LeaseGuard, NewEvent
from runtime.composition import lease_of
from runtime.roles import watcher
from tests.golden.runs import is_ended
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_twap import (
    EVERY_MS,
    RESTS,
    _all_begun,
    assert_no_burst,
    begun,
    count,
    submit,
    until,
)
from venues.prices import PoolPrices
from workers.twap import watch
from workers.twap.watch import AGAIN_S, Look, TwapWatch


async def list_now(engine: EngineHarness, twap: Twap) -> Twap:
    return await engine.store.twaps.owned(twap.list_id, DEFAULT_ACCOUNT)


async def test_paused_it_stands_still_and_resumed_it_goes_on_without_a_burst(engine: EngineHarness) -> None:
    engine.start_watcher()
    twap, lists = await submit(engine, **RESTS), engine.store.twaps
    await _all_begun(engine, twap, number=2)
    await lists.pause(twap.list_id, DEFAULT_ACCOUNT, by="test")
    paused = await count(engine, twap)
    await asyncio.sleep(4 * EVERY_MS / 1000)
    assert await count(engine, twap) == paused
    await lists.resume(twap.list_id, DEFAULT_ACCOUNT, by="test", now=now())
    await _all_begun(engine, twap)
    story = await begun(engine, twap)
    assert_no_burst(story)


async def test_cancelled_nothing_is_submitted_any_more_and_what_rests_is_cancelled(engine: EngineHarness) -> None:
    engine.start_watcher()
    twap, lists = await submit(engine, **RESTS), engine.store.twaps
    placed = await _all_begun(engine, twap, number=2)
    await lists.cancel(twap.list_id, DEFAULT_ACCOUNT, by="test", because=None, now=now())
    for order_id in placed:
        assert (await engine.until(order_id, is_ended)).status == "cancelled"
    total = await count(engine, twap)
    await asyncio.sleep(3 * EVERY_MS / 1000)
    assert await count(engine, twap) == total < 5
    assert await lists.schedule.of_account(DEFAULT_ACCOUNT) == []


async def test_no_slice_is_recorded_once_the_cancel_is(engine: EngineHarness) -> None:
    """The version of the list is a guard of the slice's append, and so is the lease of whoever submits it."""
    twap = await submit(engine, **RESTS)
    watch = _watch(engine)
    trading = await engine.store.trading.of(DEFAULT_ACCOUNT)
    [row] = await engine.store.twaps.schedule.next(1)
    found = await engine.store.twaps.of(twap.list_id)
    assert found is not None
    async with lease_of(engine.store, "watcher").hold() as lease:
        await engine.store.twaps.pause(twap.list_id, DEFAULT_ACCOUNT, by="test")
        with pytest.raises(GuardFailedError):
            await watch._slices.submit(twap, DEFAULT_ACCOUNT, 1, watch._guards(Look(row, *found, lease), trading))
    with pytest.raises(LeaseLostError):
        await watch._slices.submit(twap, DEFAULT_ACCOUNT, 1, (LeaseGuard("watcher", 999),))
    assert await count(engine, twap) == 0


def _watch(engine: EngineHarness) -> TwapWatch:
    parts = engine._parts
    rates = Rates(engine.settings.redis_url, fail_open=True)
    return watcher.twap_watch(parts, PoolPrices(engine.book), watcher.deadman_watch(parts.store), rates)


async def test_a_list_that_is_recorded_while_its_row_is_given_up_keeps_it(engine: EngineHarness) -> None:
    """Its first request recorded nothing; the second one comes as the watcher has found no list for ten minutes."""
    schedule, list_id = engine.store.twaps.schedule, id_of_list(DEFAULT_ACCOUNT, "t")
    await schedule.add(list_id, DEFAULT_ACCOUNT, now())
    async with engine.pool.connection() as connection:
        await connection.execute("update twap_schedule set asked_at = asked_at - interval '11 minutes'")
    [row] = await schedule.next(1)
    twap = await submit(engine, **RESTS)
    await schedule.drop(row)
    assert await schedule.of_account(DEFAULT_ACCOUNT) == [twap.list_id]
    [row] = await schedule.next(1)
    await schedule.drop(row)
    assert await schedule.of_account(DEFAULT_ACCOUNT) == []


async def test_a_slice_that_trading_forbids_is_recorded_as_refused_and_the_schedule_goes_on(
    engine: EngineHarness,
) -> None:
    engine.start_watcher()
    await engine.store.halting.set(Scope(), "halted", by="test", because="the test")
    twap = await submit(engine, **RESTS)

    async def refused_two() -> bool:
        return len((await list_now(engine, twap)).refused) >= 2

    await until(refused_two)
    await engine.store.halting.set(Scope(), "active", by="test", because="the test")

    async def through() -> bool:
        return not await engine.store.twaps.schedule.of_account(DEFAULT_ACCOUNT)

    await until(through)
    known = await list_now(engine, twap)
    assert {one.code for one in known.refused} == {"trading_halted"}
    taken = [number for number, _, _ in await begun(engine, twap)]
    assert sorted([*taken, *(one.slice for one in known.refused)]) == [1, 2, 3, 4, 5]


async def test_a_limit_of_the_account_holds_for_each_slice(engine: EngineHarness) -> None:
    engine.start_watcher()
    await engine.store.known_accounts.load()
    await engine.store.directory.set_limits(DEFAULT_ACCOUNT, {"max_open_orders": 2}, by="test")
    twap = await submit(engine, **RESTS)

    async def through() -> bool:
        return not await engine.store.twaps.schedule.of_account(DEFAULT_ACCOUNT)

    await until(through)
    assert [number for number, _, _ in await begun(engine, twap)] == [1, 2]
    assert [(one.slice, one.code) for one in (await list_now(engine, twap)).refused] == [
        (number, "open_orders_exceeded") for number in (3, 4, 5)
    ]


async def test_a_dead_mans_switch_that_fires_ends_it_with_every_slice(engine: EngineHarness) -> None:
    engine.start_projector()
    engine.start_watcher()
    twap = await submit(engine, 50, **RESTS)
    placed = await _all_begun(engine, twap, number=2)
    cancel_at = now() + timedelta(seconds=0.5)
    await engine.store.deadman._record(DEFAULT_ACCOUNT, lambda _: DeadmanSet(cancel_at=cancel_at, by="test"), ())
    for order_id in placed:
        assert (await engine.until(order_id, is_ended)).status == "cancelled"

    async def fired() -> bool:
        return (await engine.store.deadman.of(DEFAULT_ACCOUNT)).state == "fired"

    await until(fired)
    assert (await list_now(engine, twap)).state == "cancelled"
    total = await count(engine, twap)
    await asyncio.sleep(4 * EVERY_MS / 1000)
    assert await count(engine, twap) == total
    last = (await engine.store.deadman.of(DEFAULT_ACCOUNT)).last
    assert last is not None and last.cancelled == total
    for number, _, _ in await begun(engine, twap):
        assert (await engine.order(twap.order_id(number))).status == "cancelled"


async def test_a_list_that_cannot_be_read_keeps_no_switch_from_firing(engine: EngineHarness) -> None:
    """A newer version may have recorded it; the account's orders, and its other lists, are cancelled all the same."""
    engine.start_projector()
    broken, store = await submit(engine, **RESTS), engine.store
    command = uuid4()
    newer = NewEvent(
        broken.list_id,
        2,
        uuid4(),
        "account.FromTheFuture",
        b'{"v":1,"data":{}}',
        DEFAULT_ACCOUNT,
        command,
        command,
        None,
    )
    await engine.orders._appender.append(AppendRequest((newer,)))
    asked = broken.submitted.model_copy(update={"client_list_id": "other"})
    other = (await store.twaps.submit(DEFAULT_ACCOUNT, asked, now())).twap
    cancel_at = now() - timedelta(seconds=1)
    await store.deadman._record(DEFAULT_ACCOUNT, lambda _: DeadmanSet(cancel_at=cancel_at, by="test"), ())
    switches = watcher.deadman_watch(store)
    async with lease_of(store, "watcher").hold() as lease:
        await switches._fire(DEFAULT_ACCOUNT, lease)
    switch = await store.deadman.of(DEFAULT_ACCOUNT)
    assert switch.state == "fired" and switch.last is not None and switch.last.refused == 1
    assert (await list_now(engine, other)).state == "cancelled"


@pytest.mark.parametrize("sure", ["its end", "nothing"])
async def test_a_log_that_was_put_back_pauses_what_was_going_on(engine: EngineHarness, sure: str) -> None:
    """What it lost may have been the list's cancel, whatever is known of the moment to which it was put back."""
    twap = await submit(engine, **RESTS)
    ended_at = await engine.events.head() if sure == "its end" else 0
    await engine.accounts.found_behind(DEFAULT_ACCOUNT, Behind("the test", ended_at))
    await engine.accounts.recover(DEFAULT_ACCOUNT, kept=[], cancelled=[], by="test", because="the test")
    await engine.accounts.resume(DEFAULT_ACCOUNT, "the test")
    engine.start_watcher()

    async def paused() -> bool:
        return (await list_now(engine, twap)).state == "paused"

    await until(paused)
    assert await count(engine, twap) == 0
    await engine.store.twaps.resume(twap.list_id, DEFAULT_ACCOUNT, by="test", now=now())
    await _all_begun(engine, twap, number=1)


async def test_a_database_that_takes_no_note_of_when_to_look_again_is_not_asked_over_and_over(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a full disk: the row can be read, and not be written."""
    twap, lists = await submit(engine, **RESTS), engine.store.twaps
    await lists.pause(twap.list_id, DEFAULT_ACCOUNT, by="test")
    looks = 0

    async def full(*_: object) -> None:
        nonlocal looks
        looks += 1
        raise psycopg.errors.DiskFull

    monkeypatch.setattr(lists.schedule, "put_off", full)
    engine.start_watcher()

    async def looked_at() -> bool:
        return looks > 0

    await until(looked_at)
    await asyncio.sleep(2 * AGAIN_S)
    assert looks <= 3


async def test_a_list_that_cannot_be_read_is_said_once_however_often_it_is_looked_at(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "BROKEN_S", 0.02)
    broken, schedule = (await submit(engine, **RESTS)).list_id, engine.store.twaps.schedule
    newer = NewEvent(broken, 2, uuid4(), "account.Newer", b"{}", DEFAULT_ACCOUNT, uuid4(), uuid4(), None)
    await engine.orders._appender.append(AppendRequest((newer,)))
    looks = set()

    async def looked_at_often() -> bool:
        [row] = await schedule.next(1)
        looks.add(row.look_at)
        return len(looks) > 4

    with structlog.testing.capture_logs() as logged:
        engine.start_watcher()
        await until(looked_at_often)
        await engine.stop()
    said = [line for line in logged if line["event"] == "a slice can't be submitted"]
    assert [(line["list_id"], line["log_level"]) for line in said] == [(str(broken), "error")]
