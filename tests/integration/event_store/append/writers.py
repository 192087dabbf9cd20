"""A process that appends, for tests with several."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import uvloop

from event_store.append.appender import Appender
from event_store.types import Stored
from tests.integration.event_store.requests import event, request


def append_own_streams(dsn: str, tasks: int, requests: int) -> int:
    """Each task appends requests of two events to streams of its own; how many events were stored."""

    async def work(appender: Appender) -> int:
        stored = 0
        for _ in range(requests):
            stream = uuid4()
            outcome = await appender.append(request(event(stream), event(stream, 2)))
            stored += 2 * isinstance(outcome, Stored)
        return stored

    async def run() -> int:
        appender = Appender(dsn)
        await appender.start()
        try:
            return sum(await asyncio.gather(*(work(appender) for _ in range(tasks))))
        finally:
            await appender.stop()

    return uvloop.run(run())


def race_for_versions(dsn: str, stream: UUID, upto: int) -> list[int]:
    """Try every version from 1 to ``upto`` at the same stream as other processes; the versions won."""

    async def run() -> list[int]:
        appender = Appender(dsn)
        await appender.start()
        try:
            return [
                version
                for version in range(1, upto + 1)
                if isinstance(await appender.append(request(event(stream, version))), Stored)
            ]
        finally:
            await appender.stop()

    return uvloop.run(run())
