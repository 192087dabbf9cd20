"""A TWAP is cancelled, and whoever did so dies before it has asked for the cancel of what is open: the watcher does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from commands.cancel import request_cancel
from commands.errors import TooManyConflictsError
from commands.ids import DEFAULT_ACCOUNT
from commands.loaded_order import LoadedOrder
from domain.twap import Twap
from projections.orders.queries import OrderList
from runtime.composition import lease_of
from tests.golden.runs import is_ended
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_twap import RESTS, _all_begun, submit, until
from tests.integration.workers.test_twap_held_up import _watch
from workers.twap import watch as twap_watch
from workers.twap.watch import AGAIN_S, Look, TwapWatch

DAY_MS = 86_400_000


async def cancel_and_die(engine: EngineHarness, twap: Twap, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends as soon as the cancel is recorded."""

    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as dying, pytest.raises(asyncio.CancelledError):
        dying.setattr(engine.store.twaps.schedule, "look_again", die)
        await engine.store.twaps.cancel(twap.list_id, DEFAULT_ACCOUNT, by="test", because=None, now=now())
    assert (await engine.store.twaps.owned(twap.list_id, DEFAULT_ACCOUNT)).state == "cancelled"


async def has_no_row(engine: EngineHarness) -> bool:
    return not await engine.store.twaps.schedule.of_account(DEFAULT_ACCOUNT)


async def _without_rows(engine: EngineHarness) -> None:
    async def through() -> bool:
        return await has_no_row(engine)

    await until(through)


async def test_slices_that_rest_are_cancelled_though_all_were_submitted(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.start_watcher()
    twap = await submit(engine, 3, **RESTS)
    placed = await _all_begun(engine, twap)
    await _without_rows(engine)
    await engine.stop()
    await cancel_and_die(engine, twap, monkeypatch)
    engine.start_watcher()
    for order_id in placed:
        assert (await engine.until(order_id, is_ended, within=15)).status == "cancelled"
    await _without_rows(engine)


async def test_one_whose_slices_all_rest_is_ended_with_all_that_is_open(engine: EngineHarness) -> None:
    engine.start_watcher()
    twap = await submit(engine, 3, **RESTS)
    placed = await _all_begun(engine, twap)
    await _without_rows(engine)
    open_orders = OrderList(engine.store.pool).open
    ended = await engine.store.twaps.cancel_all(
        DEFAULT_ACCOUNT, open_orders=open_orders, by="an operator", because=None, now=now()
    )
    assert (ended.ended, ended.were_open) == ([twap.list_id], placed)
    for order_id in placed:
        assert (await engine.until(order_id, is_ended, within=15)).status == "cancelled"
    await _without_rows(engine)


async def test_it_is_not_put_off_until_the_next_slice_is_due(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.start_watcher()
    twap = await submit(engine, 3, DAY_MS, **RESTS)
    [first] = await _all_begun(engine, twap, number=1)

    async def put_off() -> bool:
        [row] = await engine.store.twaps.schedule.next(1)
        return (row.look_at - now()).total_seconds() > DAY_MS / 2_000

    await until(put_off)
    await cancel_and_die(engine, twap, monkeypatch)
    assert (await engine.until(first, is_ended)).status == "cancelled"
    await _without_rows(engine)


@asynccontextmanager
async def looked_at(engine: EngineHarness) -> AsyncIterator[tuple[TwapWatch, Look]]:
    """A list of two slices that rest, as a watcher has just looked at it."""
    engine.start_watcher()
    twap = await submit(engine, 2, **RESTS)
    await _all_begun(engine, twap)
    await _without_rows(engine)
    await engine.stop()
    schedule = engine.store.twaps.schedule
    await schedule.add(twap.list_id, DEFAULT_ACCOUNT, now())
    async with engine.pool.connection() as connection:
        await connection.execute("update twap_schedule set next_slice = 2")
    async with lease_of(engine.store, "watcher").hold() as lease:
        [row] = await schedule.next(1)
        found = await engine.store.twaps.of(twap.list_id)
        assert found is not None
        yield _watch(engine), Look(row, *found, lease)


async def test_a_watcher_that_had_just_looked_takes_no_row_away_that_a_cancel_needs(engine: EngineHarness) -> None:
    schedule = engine.store.twaps.schedule
    async with looked_at(engine) as (watch, look):
        # The cancel is about to be recorded: its row was there before the look.
        assert await watch._advance(look) == AGAIN_S
        [row] = await schedule.next(1)
        # It isn't any more, but another one is: its row came after the look.
        async with engine.pool.connection() as connection:
            await connection.execute("update twap_schedule set asked_at = asked_at - interval '11 minutes'")
        [old] = await schedule.next(1)
        await schedule.add(row.list_id, DEFAULT_ACCOUNT, now())
        await watch._advance(Look(old, look.twap, look.newest, look.lease))
        await schedule.put_off(old, old.look_at.replace(year=2100))
        [row] = await schedule.next(1)
        assert row.look_at.year < 2100
        # None is: nobody waits for it.
        async with engine.pool.connection() as connection:
            await connection.execute("update twap_schedule set asked_at = asked_at - interval '11 minutes'")
        [old] = await schedule.next(1)
        assert await watch._advance(Look(old, look.twap, look.newest, look.lease)) is None
        assert await has_no_row(engine)


async def test_a_slice_whose_cancel_met_conflicts_is_asked_for_again(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[UUID] = []

    async def conflicts(orders: object, trading: object, order_id: UUID, **why: str) -> LoadedOrder:
        if not refused:
            refused.append(order_id)
            raise TooManyConflictsError(str(order_id))
        return await request_cancel(orders, trading, order_id, **why)  # type: ignore[arg-type]

    engine.start_watcher()
    twap = await submit(engine, 2, **RESTS)
    placed = await _all_begun(engine, twap)
    monkeypatch.setattr(twap_watch, "request_cancel", conflicts)
    await engine.store.twaps.cancel(twap.list_id, DEFAULT_ACCOUNT, by="test", because=None, now=now())
    for order_id in placed:
        assert (await engine.until(order_id, is_ended)).status == "cancelled"
    assert refused
    await _without_rows(engine)
