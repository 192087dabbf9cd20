"""Handles the log batch by batch, each batch in one transaction with the new position."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic

import structlog
from psycopg import AsyncConnection, AsyncCursor
from psycopg_pool import AsyncConnectionPool, PoolClosed

from event_store.errors import TRANSIENT_DATABASE_ERRORS, LeaseLostError, PositionLostError
from event_store.processors import positions
from event_store.processors.leases import Lease
from event_store.read.tail import E, Read, Tail, Wakes

RETRY_AFTER = 0.2

Handle = Callable[[AsyncCursor[Any], Sequence[E]], Awaitable[None]]
Committed = Callable[[Sequence[E]], Awaitable[None]]

log = structlog.get_logger(__name__)


class Processor(Generic[E]):
    """Reads the log for one processor from its stored position, and continues after every outage of PostgreSQL.

    Transactions don't wait for the flush to disk: a crash of PostgreSQL may lose the last ones, rows and position
    together. So each transaction requires the position that it continues from, and while no events come the stored
    position is read now and then: what a crash has lost is handled again.
    """

    def __init__(
        self,
        pool: AsyncConnectionPool[AsyncConnection[Any]],
        read: Read[E],
        wakes: Wakes | None,
        *,
        limit: int,
        gather: float,
        hurry: asyncio.Event | None = None,
    ) -> None:
        self._pool = pool
        self._read = read
        self._wakes = wakes
        self._limit = limit
        self._gather = gather
        self._hurry = hurry

    async def run(
        self, lease: Lease, handle: Handle[E], committed: Committed[E], begun: Callable[[], None] = lambda: None
    ) -> None:
        """Call ``handle`` for each batch in the transaction of its position, and ``committed`` after it.

        ``begun`` is called before each start from the stored position: what the caller remembers of the log may be
        ahead of it. ``handle`` and ``committed`` may be called again for the same batch. Ends by cancellation, by
        ``LeaseLostError``, or by any error of the two that is no outage of PostgreSQL.
        """
        while True:
            begun()
            after = await self._stored(lease)
            tail = Tail(
                self._read,
                after,
                limit=self._limit,
                wakes=self._wakes,
                gather=self._gather,
                hurry=self._hurry,
                stored=lambda: self._stored(lease),
            )
            try:
                async for batch in tail:
                    await self._commit(lease, handle, after, batch)
                    after = batch[-1].position
                    await committed(batch)
            except PositionLostError as lost:
                log.warning("PostgreSQL lost transactions in a crash; they are done again", reason=str(lost))

    async def _commit(self, lease: Lease, handle: Handle[E], after: int, batch: Sequence[E]) -> None:
        while True:
            try:
                async with self._pool.connection() as connection, connection.transaction():
                    await connection.execute("set local synchronous_commit = off")
                    async with connection.cursor() as cursor:
                        await handle(cursor, batch)
                        await positions.commit(cursor, lease, after, batch[-1].position)
                return
            except PoolClosed:
                raise
            except TRANSIENT_DATABASE_ERRORS as error:
                # It may have been committed: then the same batch is allowed once more and changes nothing.
                log.warning("waiting for PostgreSQL", processor=lease.processor, error=type(error).__name__)
                await asyncio.sleep(RETRY_AFTER)
            except (LeaseLostError, PositionLostError):
                raise
            except Exception:
                # A crash may have lost what the batch builds on: then that is the cause of the error.
                if await self._stored(lease) not in (after, batch[-1].position):
                    raise PositionLostError(f"{lease.processor} is not stored at position {after}") from None
                raise

    async def _stored(self, lease: Lease) -> int:
        while True:
            try:
                async with self._pool.connection() as connection, connection.cursor() as cursor:
                    return await positions.load(cursor, lease.processor)
            except PoolClosed:
                raise
            except TRANSIENT_DATABASE_ERRORS as error:
                log.warning("waiting for PostgreSQL", processor=lease.processor, error=type(error).__name__)
                await asyncio.sleep(RETRY_AFTER)
