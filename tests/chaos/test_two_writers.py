"""For a minute two processes append to one log and one of them is killed again and again: a reader misses nothing."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

from event_store.pool import connection_pool
from event_store.read.log import Log
from event_store.read.tail import Tail
from event_store.types import RecordedEvent
from tests.integration.conftest import TestDatabase

SECONDS = 60
WRITER = """
import sys
from tests.integration.event_store.append.writers import append_own_streams
append_own_streams(sys.argv[1], 40, 1_000_000)
"""


def writer(database: TestDatabase) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITER, database.app], cwd=Path(__file__).parents[2])


async def test_a_reader_by_position_misses_nothing_while_writers_are_killed(database: TestDatabase) -> None:
    dice = random.Random(7)
    seen: list[RecordedEvent] = []

    async def read(log: Log) -> None:
        async for batch in Tail(log.read, 0, limit=500, poll=0.01):
            seen.extend(batch)

    async with connection_pool(database.app) as pool:
        log = Log(pool)
        reading = asyncio.create_task(read(log))
        writers = [writer(database), writer(database)]
        began, killed = time.monotonic(), 0
        try:
            while time.monotonic() - began < SECONDS:
                await asyncio.sleep(dice.uniform(2, 8))
                head = await log.head()
                victim = writers.pop(0)
                victim.kill()
                assert victim.wait() == -signal.SIGKILL
                killed += 1
                writers.append(writer(database))
                async with asyncio.timeout(20):
                    while await log.head() <= head:
                        await asyncio.sleep(0.05)
        finally:
            for one in writers:
                one.kill()
                one.wait()
        # What a killed writer had sent may still be under way.
        head = -1
        while head != (head := await log.head()):
            await asyncio.sleep(1)
        async with asyncio.timeout(60):
            while not reading.done() and len(seen) < head:
                await asyncio.sleep(0.05)
        reading.cancel()
        stored: list[RecordedEvent] = []
        while batch := await log.read(len(stored)):
            stored += batch
    assert [event.position for event in seen] == list(range(1, head + 1))
    assert seen == stored
    assert all(a.recorded_at <= b.recorded_at for a, b in pairwise(seen))
    assert len(seen) > 1_000
    print(f"{len(seen)} events by two writers, {killed} of them killed: none missing, none twice")
