from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from uuid import uuid4

import pytest
from psycopg_pool import AsyncConnectionPool

from event_store.read.log import Log
from event_store.read.tail import Tail
from tests.integration.conftest import TestDatabase
from tests.integration.event_store.append.writers import append_own_streams, race_for_versions


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


async def test_a_reader_by_position_misses_nothing_while_four_processes_write(
    processes: ProcessPoolExecutor, database: TestDatabase, log: Log, pool: AsyncConnectionPool
) -> None:
    loop = asyncio.get_running_loop()
    writers = [loop.run_in_executor(processes, append_own_streams, database.app, 40, 15) for _ in range(4)]
    expected = 4 * 40 * 15 * 2
    seen = []

    async with asyncio.timeout(60):
        async for batch in Tail(log.read, 0, limit=500, poll=0.001):
            seen += batch
            if len(seen) >= expected:
                break

    assert await asyncio.gather(*writers) == [1200] * 4
    assert [event.position for event in seen] == list(range(1, expected + 1))
    assert all(a.recorded_at <= b.recorded_at for a, b in pairwise(seen))
    assert await log.head() == expected


async def test_processes_racing_for_one_stream_win_each_version_once(
    processes: ProcessPoolExecutor, database: TestDatabase, log: Log
) -> None:
    stream = uuid4()
    loop = asyncio.get_running_loop()

    won = await asyncio.gather(
        *(loop.run_in_executor(processes, race_for_versions, database.app, stream, 30) for _ in range(4))
    )

    stored = [event.version for event in await log.load(stream)]
    assert sorted(version for versions in won for version in versions) == stored == list(range(1, len(stored) + 1))
    assert stored[-1] == 30
