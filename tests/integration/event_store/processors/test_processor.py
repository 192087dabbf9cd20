from __future__ import annotations

import asyncio
import signal
import time
from uuid import uuid4

import psycopg
import pytest
from psycopg import AsyncCursor

from event_store.append.appender import Appender
from event_store.dsn import parse
from event_store.pool import connection_pool
from event_store.processors.leases import Lease
from event_store.processors.processor import Processor
from event_store.read.log import Log
from event_store.schema.migrate import migrate
from event_store.types import RecordedEvent
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedPostgres
from tests.integration.event_store.requests import event, request, until


@pytest.mark.parametrize("more", [False, True], ids=["though nothing comes", "before what comes next"])
async def test_what_a_crash_of_postgresql_took_back_is_dealt_with_again(
    own_postgres: EmbeddedPostgres, more: bool
) -> None:
    app = own_postgres.url("surefill", "surefill", "surefill")
    await migrate(own_postgres.url("surefill_owner", "owner", "surefill"), app)
    with psycopg.connect(own_postgres.superuser, autocommit=True) as superuser:
        superuser.execute("alter system set wal_writer_delay = '10s'")
        superuser.execute("select pg_reload_conf()")
    appender = Appender(app)
    await appender.start()

    async def handle(cursor: AsyncCursor[object], batch: list[RecordedEvent]) -> None:
        await cursor.execute("select coalesce(max(version), 0) from work")
        if (row := await cursor.fetchone()) and batch[0].position > row[0] + 1:  # type: ignore[index,operator]
            raise LookupError(f"position {batch[0].position} follows nothing")
        rows = [(one.stream_id, one.position) for one in batch]
        await cursor.executemany("insert into work values (%s, 'test', %s, now()) on conflict do nothing", rows)

    async def committed(batch: list[RecordedEvent]) -> None:
        done.append(batch[-1].position)

    def stored() -> tuple[int, int]:
        with psycopg.connect(parse(app).conninfo) as connection:
            row = connection.execute(
                "select (select count(*) from work), coalesce((select position from positions), 0)"
            ).fetchone()
        assert row is not None
        return row

    done: list[int] = []
    async with connection_pool(app) as pool:
        # Long, and never renewed: what a renewal writes would flush what came before.
        lease = Lease(pool, "test", owner="test", ttl=60, renew_every=60)

        async def process() -> None:
            async with lease.hold():
                await Processor(pool, Log(pool).read, None, limit=100, gather=0).run(lease, handle, committed)

        processing = asyncio.create_task(process())
        try:
            for _ in range(3):
                await appender.append(request(event(uuid4())))
            await until(lambda: done[-1:] == [3])
            await asyncio.to_thread(own_postgres.stop, signal.SIGQUIT)
            await asyncio.to_thread(own_postgres.start)
            assert stored()[1] < 3, "nothing was lost: the test shows nothing"
            if more:
                await appender.append(request(event(uuid4())))
            await until(lambda: stored() == ((4, 4) if more else (3, 3)))
            assert not processing.done()
        finally:
            processing.cancel()
            await appender.stop()


async def test_a_batch_in_which_the_process_stood_still_is_dealt_with_once_it_is_awake(
    database: TestDatabase, appender: Appender, log: Log
) -> None:
    asleep = [time.sleep, lambda _: None]
    done: list[int] = []

    async def handle(cursor: AsyncCursor[object], batch: list[RecordedEvent]) -> None:
        await cursor.execute("insert into work values (%s, 'test', 1, now())", [batch[0].stream_id])
        asleep.pop(0)(3.5)  # PostgreSQL ends a transaction that stands still for 3 s

    async def committed(batch: list[RecordedEvent]) -> None:
        done.append(batch[-1].position)

    await appender.append(request(event(uuid4())))
    async with connection_pool(database.app) as pool, Lease(pool, "test", owner="test", ttl=30).hold() as lease:
        processing = asyncio.create_task(
            Processor(pool, log.read, None, limit=100, gather=0).run(lease, handle, committed)
        )
        await until(lambda: done == [1])
        processing.cancel()
    with database.connect() as connection:
        assert connection.execute("select count(*) from work").fetchone() == (1,)
