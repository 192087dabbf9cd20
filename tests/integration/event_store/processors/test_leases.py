from __future__ import annotations

import asyncio
import time

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from event_store.errors import LeaseLostError, PositionLostError
from event_store.processors import positions
from event_store.processors.leases import Lease, give_back
from event_store.types import LeaseGuard
from tests.integration.conftest import TestDatabase
from tests.integration.event_store.requests import until


def lease(pool: AsyncConnectionPool, owner: str, **times: float) -> Lease:
    return Lease(pool, "relay", owner=owner, **({"ttl": 1.0, "renew_every": 0.2, "standby_poll": 0.02} | times))  # type: ignore[arg-type]


async def hold_for_ever(lease: Lease) -> None:
    async with lease.hold():
        await asyncio.Event().wait()


def is_held(lease: Lease) -> bool:
    try:
        return lease.epoch > 0
    except LeaseLostError:
        return False


async def test_the_standby_takes_over_at_once_when_the_holder_leaves(pool: AsyncConnectionPool) -> None:
    first, second = lease(pool, "a", ttl=30), lease(pool, "b", ttl=30)
    async with first.hold():
        standing_by = asyncio.create_task(hold_for_ever(second))
        await asyncio.sleep(0.1)
        assert not is_held(second)
        assert first.guard == LeaseGuard("relay", 1)
    started = time.monotonic()

    await until(lambda: is_held(second))

    assert time.monotonic() - started < 3
    assert second.guard == LeaseGuard("relay", 2)
    assert not is_held(first)
    standing_by.cancel()


async def test_the_leases_of_a_dead_holder_are_given_back_and_nobody_elses(pool: AsyncConnectionPool) -> None:
    dead, next_owner = lease(pool, "host:1", ttl=30, renew_every=30), lease(pool, "host:2", ttl=30)
    other = Lease(pool, "tracker", owner="host:11", ttl=30)
    # It is killed: nothing of it releases the lease.
    assert await dead._acquire()
    async with other.hold():
        standing_by = asyncio.create_task(hold_for_ever(next_owner))
        await asyncio.sleep(0.2)
        assert not is_held(next_owner)

        async with pool.connection() as connection:
            await give_back(connection, "host:1")
        given_back = time.monotonic()
        await until(lambda: is_held(next_owner))

        assert time.monotonic() - given_back < 1
        async with pool.connection() as connection, connection.cursor() as cursor:
            await other.check(cursor)
            with pytest.raises(LeaseLostError):
                await dead.check(cursor)
        standing_by.cancel()


async def test_a_holder_that_renews_keeps_it_past_its_time(pool: AsyncConnectionPool) -> None:
    first, second = lease(pool, "a"), lease(pool, "b")
    async with first.hold():
        standing_by = asyncio.create_task(hold_for_ever(second))
        await asyncio.sleep(2.5)
        assert first.epoch == 1
        assert not is_held(second)
    standing_by.cancel()


async def test_a_lease_that_runs_out_is_taken_over_and_its_holder_is_stopped(
    pool: AsyncConnectionPool, database: TestDatabase
) -> None:
    first, second = lease(pool, "a"), lease(pool, "b", ttl=30)
    working = asyncio.create_task(hold_for_ever(first))
    await until(lambda: is_held(first))
    with database.connect() as connection:
        connection.execute("update leases set expires_at = clock_timestamp()")
    standing_by = asyncio.create_task(hold_for_ever(second))

    with pytest.raises(LeaseLostError):
        await working

    await until(lambda: is_held(second))
    assert second.epoch == 2
    standing_by.cancel()


async def test_a_lease_written_before_the_clock_stepped_back_is_taken_over_at_once(
    pool: AsyncConnectionPool, database: TestDatabase
) -> None:
    first, second = lease(pool, "a", renew_every=5), lease(pool, "b", ttl=30)
    working = asyncio.create_task(hold_for_ever(first))
    await until(lambda: is_held(first))
    with database.connect() as connection:
        connection.execute("update leases set expires_at = expires_at + interval '1 hour'")
    started = time.monotonic()
    standing_by = asyncio.create_task(hold_for_ever(second))

    await until(lambda: is_held(second))

    assert time.monotonic() - started < 3
    with pytest.raises(LeaseLostError):
        await working
    standing_by.cancel()


async def test_a_lease_is_as_long_as_its_holder_says_not_as_whoever_waits_for_it(pool: AsyncConnectionPool) -> None:
    first, second = lease(pool, "a", ttl=30, renew_every=0.1), lease(pool, "b", ttl=0.5)
    async with first.hold():
        standing_by = asyncio.create_task(hold_for_ever(second))
        await asyncio.sleep(0.5)
        assert not is_held(second)
        assert first.epoch == 1
    standing_by.cancel()


async def test_a_holder_that_cannot_renew_stops_by_its_own_clock(
    pool: AsyncConnectionPool, database: TestDatabase
) -> None:
    holder = lease(pool, "a")
    working = asyncio.create_task(hold_for_ever(holder))
    await until(lambda: is_held(holder))

    with database.connect() as connection, connection.transaction():
        connection.execute("select from leases for update")
        started = time.monotonic()
        with pytest.raises(LeaseLostError):
            async with asyncio.timeout(5):
                await working
    assert time.monotonic() - started < 3


async def test_a_cancel_from_outside_is_no_loss(pool: AsyncConnectionPool) -> None:
    holder = lease(pool, "a")
    working = asyncio.create_task(hold_for_ever(holder))
    await until(lambda: is_held(holder))

    working.cancel()

    with pytest.raises(asyncio.CancelledError):
        await working
    async with asyncio.timeout(0.5), lease(pool, "b").hold() as next_one:
        assert next_one.epoch == 2


async def test_a_body_that_fails_while_it_is_stopped_for_the_loss_leaves_its_task_uncancelled(
    pool: AsyncConnectionPool, database: TestDatabase
) -> None:
    holder, task = lease(pool, "a"), asyncio.current_task()
    assert task
    with pytest.raises(ConnectionError):
        async with holder.hold():
            with database.connect() as connection:
                connection.execute("update leases set expires_at = clock_timestamp(), epoch = epoch + 1")
            try:
                await asyncio.wait_for(asyncio.Event().wait(), 10)
            except asyncio.CancelledError:
                raise ConnectionError from None
    # Whoever tries again in this task would be taken for one that was asked to end.
    assert task.cancelling() == 0


async def test_a_position_is_committed_with_its_rows_and_never_goes_back(pool: AsyncConnectionPool) -> None:
    async with lease(pool, "a").hold() as held, pool.connection() as connection, connection.cursor() as cursor:
        assert await positions.load(cursor, "relay") == 0
        async with connection.transaction():
            await cursor.execute("insert into accounts values (gen_random_uuid())")
            await positions.commit(cursor, held, 0, 7)
        for after, position in ((0, 6), (6, 9), (8, 9)):
            with pytest.raises(PositionLostError, match=f"position {after}"):
                async with connection.transaction():
                    await positions.commit(cursor, held, after, position)
        await positions.commit(cursor, held, 0, 7)  # as whoever lost the answer would
        assert await positions.load(cursor, "relay") == 7


async def test_whoever_lost_the_lease_commits_nothing(pool: AsyncConnectionPool, database: TestDatabase) -> None:
    async with lease(pool, "a", ttl=30, renew_every=30).hold() as held:
        with database.connect() as other:
            other.execute("update leases set epoch = epoch + 1, owner = 'b'")
        with pytest.raises(LeaseLostError):
            async with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
                await cursor.execute("insert into accounts values (gen_random_uuid())")
                await positions.commit(cursor, held, 0, 7)

    with database.connect() as connection:
        assert connection.execute("select count(*) from accounts").fetchone() == (1,)
        assert connection.execute("select * from positions").fetchall() == []
        assert connection.execute("select expires_at > clock_timestamp() from leases").fetchone() == (True,)


async def test_nobody_takes_over_while_a_checked_transaction_is_open(pool: AsyncConnectionPool) -> None:
    first, second = lease(pool, "a", ttl=0.4, renew_every=30), lease(pool, "b", ttl=30)
    async with first.hold():
        async with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            await first.check(cursor)
            standing_by = asyncio.create_task(hold_for_ever(second))
            await asyncio.sleep(0.8)
            assert not is_held(second)
        await until(lambda: is_held(second))
    standing_by.cancel()


async def test_a_holder_paused_in_the_middle_of_its_transaction_is_not_waited_for(pool: AsyncConnectionPool) -> None:
    first, second = lease(pool, "a", ttl=0.4, renew_every=30), lease(pool, "b", ttl=30)
    with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
        async with first.hold(), pool.connection() as connection, connection.transaction():
            async with connection.cursor() as cursor:
                await cursor.execute("insert into accounts values (gen_random_uuid())")
                await first.check(cursor)
            standing_by = asyncio.create_task(hold_for_ever(second))
            # It sleeps here, its locks in its hands.
            await until(lambda: is_held(second), within=5)
            standing_by.cancel()
    async with pool.connection() as connection:
        cursor = await connection.execute("select count(*) from accounts")
        assert await cursor.fetchone() == (1,)
