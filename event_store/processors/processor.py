"""Deal with the log batch by batch, each in one transaction with the position: what a leased processor is made of."""

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
    """The log for one processor, from the position it has stored; goes on after every outage of PostgreSQL.

    Transactions are not flushed: rows and position are lost together, if at all, when PostgreSQL crashes. So each one
    names the position it goes on from, and while nothing comes the stored one is looked at: what a crash took back
    is dealt with again.
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

    async def run(self, lease: Lease, handle: Handle[E], committed: Committed[E]) -> None:
        """``handle`` each batch in the transaction of its position, then ``committed``; both must bear repeats.

        Ends by cancellation, by ``LeaseLostError``, or by what the two raise other than an outage.
        """
        while True:
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
                log.warning("PostgreSQL lost what it had not flushed; done again", reason=str(lost))

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
                # Perhaps it was committed: then the same batch is allowed once more, and changes nothing.
                log.warning("waiting for PostgreSQL", processor=lease.processor, error=type(error).__name__)
                await asyncio.sleep(RETRY_AFTER)
            except (LeaseLostError, PositionLostError):
                raise
            except Exception:
                # What the batch follows on may be gone: then that is what is wrong with it.
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
