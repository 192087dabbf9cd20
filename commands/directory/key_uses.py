"""When keys were last used: remembered here, and written at most once a minute for each."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from event_store.statements import statement

_USE = statement(__file__, "key_use")
_USES = statement(__file__, "key_uses")
EVERY_S = 5.0
KEPT = timedelta(minutes=1)

log = structlog.get_logger(__name__)

Pool = AsyncConnectionPool[AsyncConnection[Any]]


class KeyUses:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._written: dict[UUID, datetime] = {}
        self._unwritten: dict[UUID, datetime] = {}
        self._used = asyncio.Event()

    def used(self, key_id: UUID, now: datetime) -> None:
        """Never waits and never raises."""
        written = self._written.get(key_id)
        if written is None or now - written >= KEPT:
            self._written[key_id] = self._unwritten[key_id] = now
            self._used.set()

    async def run(self) -> None:
        """Write what was used, for the life of the process. Nothing stands on it: what can't be written is dropped."""
        while True:
            await self._used.wait()
            self._used.clear()
            unwritten, self._unwritten = self._unwritten, {}
            try:
                await self._write(unwritten)
            except psycopg.Error as error:
                log.warning("the last use of keys was not written", keys=len(unwritten), error=type(error).__name__)
            await asyncio.sleep(EVERY_S)

    async def _write(self, uses: dict[UUID, datetime]) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(_USE, {"keys": list(uses), "times": list(uses.values())})


async def last_uses(pool: Pool) -> dict[UUID, datetime]:
    """Of each key that was ever used."""
    async with pool.connection() as connection:
        return dict(await (await connection.execute(_USES)).fetchall())
