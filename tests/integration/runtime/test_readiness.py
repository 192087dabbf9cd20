"""What readiness says of the roles that run beside the API, also once the database's clock has stepped back."""

from __future__ import annotations

from uuid import uuid4

from psycopg_pool import AsyncConnectionPool

from commands.ids import DEFAULT_ACCOUNT
from event_store.append.appender import Appender
from event_store.pool import connection_pool
from event_store.processors.leases import Lease
from event_store.processors.oversight import Lag, LagWatch
from projections.orders import PROCESSOR
from runtime.readiness import LEASED_ROLES, role_checks
from tests.integration.conftest import TestDatabase
from tests.integration.event_store.requests import event, request
from workers.dispatch.work import WorkTable

HOUR_AHEAD = "update leases set expires_at = expires_at + interval '1 hour' where processor = %s"


async def said(pool: AsyncConnectionPool) -> dict[str, str | None]:
    return {check.name: await check.probe() for check in role_checks(pool)}


async def test_each_role_that_nobody_holds_is_named(database: TestDatabase) -> None:
    async with connection_pool(database.app, max_size=8) as pool:
        assert (await said(pool))["leases"] == "no process runs: projector, tracker, watcher, reclaim"
        projector, tracker, watcher, reclaim = (
            # So rarely renewed that what a test writes stays as it is.
            Lease(pool, processor, owner="test", ttl=60, renew_every=60)
            for processor in LEASED_ROLES
        )
        async with projector.hold(), watcher.hold(), reclaim.hold():
            async with tracker.hold():
                assert (await said(pool))["leases"] is None
            assert (await said(pool))["leases"] == "no process runs: tracker"
            async with pool.connection() as connection:
                await connection.execute(HOUR_AHEAD, [PROCESSOR])
            assert (await said(pool))["leases"] == "no process runs: projector, tracker"


async def test_on_paper_nobody_is_missed_who_would_bring_rents_back(database: TestDatabase) -> None:
    async with connection_pool(database.app, max_size=2) as pool:
        checks = {check.name: check for check in role_checks(pool, paper=True)}
        assert await checks["leases"].probe() == "no process runs: projector, tracker, watcher"


async def append_one(database: TestDatabase) -> None:
    appender = Appender(database.app)
    await appender.start()
    await appender.append(request(event(uuid4())))
    await appender.stop()


async def reach(pool: AsyncConnectionPool, position: int) -> None:
    async with pool.connection() as connection:
        await connection.execute(
            "insert into positions values ('another', %(position)s), (%(projector)s, %(position)s)"
            " on conflict (processor) do update set position = excluded.position",
            {"position": position, "projector": PROCESSOR},
        )


async def test_each_position_that_stays_behind_the_log_is_named(database: TestDatabase) -> None:
    now = 0.0
    watch = LagWatch(["another", PROCESSOR], 10, clock=lambda: now)

    async def lagging() -> list[Lag]:
        async with pool.connection() as connection, connection.cursor() as cursor:
            return await watch.lagging(cursor)

    async with connection_pool(database.app, max_size=2) as pool:
        await append_one(database)
        await reach(pool, 1)
        assert await lagging() == []
        await append_one(database)
        now = 5.0
        # By its own time the event is new: also where the clock stepped back by hours since.
        assert await lagging() == []
        now = 15.1
        assert await lagging() == [Lag("another", 1, 2), Lag(PROCESSOR, 1, 2)]
        async with pool.connection() as connection:
            await connection.execute("update positions set position = 2 where processor = 'another'")
        assert await lagging() == [Lag(PROCESSOR, 1, 2)]
        await append_one(database)
        await reach(pool, 2)
        now = 16.2
        assert await lagging() == []


async def test_an_event_that_has_waited_for_long_is_said_at_the_first_question(database: TestDatabase) -> None:
    await append_one(database)
    with database.connect(as_owner=True) as owner:
        owner.execute("alter table events disable trigger events_are_immutable")
        owner.execute("update events set recorded_at = recorded_at - interval '11 seconds'")
    async with connection_pool(database.app, max_size=2) as pool:
        assert (await said(pool))["positions"] == ("behind the log for more than 10 s: projector at 0 of 1")
        await reach(pool, 1)
        assert (await said(pool))["positions"] is None


async def test_orders_whose_outcome_is_not_known_are_counted_and_the_oldest_is_told(database: TestDatabase) -> None:
    async with connection_pool(database.app, max_size=2) as pool:
        assert (await said(pool))["outcomes"] is None
        work, orders = WorkTable(pool, written_by=PROCESSOR), [uuid4(), uuid4()]
        for order_id in orders:
            await work.record_uncertainty(order_id, 1, "liar:443: it shows the order's guard", permanent=False)
        assert (await said(pool))["outcomes"] == (
            f"the outcome of 2 orders isn't known, such as {orders[0]}: liar:443: it shows the order's guard"
        )


async def test_a_wallets_history_that_was_not_compared_for_long_is_named(database: TestDatabase) -> None:
    table_of = "insert into wallet_history (account_id, begun) values (%s, 1)"
    compared = "update wallet_history set completed = 1, completed_at = clock_timestamp() - %s * interval '1 second'"
    async with connection_pool(database.app, max_size=2) as pool:
        assert (await said(pool))["history"] is None
        async with pool.connection() as connection:
            await connection.execute(table_of, [DEFAULT_ACCOUNT])
        assert (await said(pool))["history"] == "the wallet's history was not compared with the log yet"
        async with pool.connection() as connection:
            await connection.execute(compared, [30])
        assert (await said(pool))["history"] is None
        async with pool.connection() as connection:
            await connection.execute(compared, [100])
        assert (await said(pool))["history"] == "the wallet's history was last compared with the log 100 s ago"
        async with pool.connection() as connection:
            await connection.execute(
                "insert into wallet_history (account_id, begun) values (%s, 1)", [other := uuid4()]
            )
        assert (await said(pool))["history"] == (
            f"the histories of 2 wallets were late, one not compared with the log yet: account {other}"
        )
