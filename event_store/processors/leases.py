"""Leases: work that one process at a time may do. A lease is a row with an epoch and an expiry by the database's clock.

A holder notices in three ways that it has lost its lease, and each is enough: the renewal is refused; it couldn't be
renewed in time by the holder's own clock; a write that checks it is refused. The last one also stops a process that was
paused and doesn't know yet.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection, AsyncCursor
from psycopg_pool import AsyncConnectionPool, PoolClosed

from event_store.errors import TRANSIENT_DATABASE_ERRORS, LeaseLostError, LeaseTakenError
from event_store.statements import statement
from event_store.types import LeaseGuard

_ACQUIRE = statement(__file__, "lease_acquire")
_IS_HELD = statement(__file__, "lease_is_held")
_RENEW = statement(__file__, "lease_renew")
_RELEASE = statement(__file__, "lease_release")
_CHECK = statement(__file__, "lease_check")
_GIVE_BACK = statement(__file__, "lease_give_back")

log = structlog.get_logger()


class Lease:
    """The right to act as ``processor``. ``owner`` is a name for people to read, such as host:pid. Times in seconds."""

    def __init__(
        self,
        pool: AsyncConnectionPool[AsyncConnection[Any]],
        processor: str,
        *,
        owner: str,
        ttl: float = 5.0,
        renew_every: float = 1.0,
        standby_poll: float = 0.2,
    ) -> None:
        self.processor = processor
        self._pool = pool
        self._owner = owner
        self._ttl = ttl
        self._renew_every = renew_every
        self._standby_poll = standby_poll
        self._epoch: int | None = None
        self._holder = "another"
        # By this process's clock, counted from before the database was asked: never later than the row's expiry.
        self._valid_until = 0.0

    @property
    def epoch(self) -> int:
        """Each new holder has a higher one. Raises ``LeaseLostError`` while the lease is not held."""
        if self._epoch is None:
            raise LeaseLostError(f"{self.processor}: the lease is not held")
        return self._epoch

    @property
    def guard(self) -> LeaseGuard:
        """The guard that every append of its holder carries."""
        return LeaseGuard(self.processor, self.epoch)

    @asynccontextmanager
    async def hold(self, patience: float = math.inf) -> AsyncIterator[Lease]:
        """Wait until the lease is free, hold and renew it while the body runs, and release it.

        When it is lost, the body is cancelled where it waits and ``LeaseLostError`` is raised from this block. Raises
        ``LeaseTakenError`` where it isn't free within ``patience`` seconds; the lease of a holder that was killed
        isn't free before it expires.
        """
        deadline = time.monotonic() + patience
        while not await self._acquire():
            if time.monotonic() >= deadline:
                raise LeaseTakenError(f"{self.processor} is held by {self._holder}")
            await asyncio.sleep(self._standby_poll)
        log.info("lease acquired", processor=self.processor, epoch=self.epoch)
        body = asyncio.current_task()
        assert body is not None  # noqa: S101  # an async with has a task
        asked_to_stop = body.cancelling()
        renewing = asyncio.create_task(self._renew_until_lost(body), name=f"lease-{self.processor}")
        try:
            yield self
        except asyncio.CancelledError:
            # A cancellation from outside goes before the loss.
            if renewing.done() and body.uncancel() <= asked_to_stop:
                raise LeaseLostError(f"{self.processor}: the lease was lost") from None
            raise
        except BaseException:
            # The body ended by an error of its own while it was being cancelled for the loss.
            if renewing.done() and body.cancelling() > asked_to_stop:
                body.uncancel()
            raise
        finally:
            lost = renewing.done()
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing
            if not lost:
                await self._release()
            self._epoch = None

    async def check(self, cursor: AsyncCursor[Any]) -> None:
        """Raise ``LeaseLostError`` unless it is held; nobody can take it until the caller's transaction ends."""
        await cursor.execute(_CHECK, {"processor": self.processor, "epoch": self.epoch})
        if not cursor.rowcount:
            raise LeaseLostError(f"{self.processor}: the lease was lost")

    async def _acquire(self) -> bool:
        started = time.monotonic()
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_IS_HELD, {"processor": self.processor})
                if held := await cursor.fetchone():
                    self._holder = held[0]
                    return False
                cursor = await connection.execute(
                    _ACQUIRE,
                    {"processor": self.processor, "owner": self._owner, "ttl": timedelta(seconds=self._ttl)},
                )
                row = await cursor.fetchone()
        except PoolClosed:
            raise
        except TRANSIENT_DATABASE_ERRORS as error:
            log.debug("standing by without PostgreSQL", processor=self.processor, error=type(error).__name__)
            return False
        if row is None:
            return False
        self._epoch = int(row[0])
        self._valid_until = started + self._ttl
        return True

    async def _renew_until_lost(self, body: asyncio.Task[Any]) -> None:
        while True:
            await asyncio.sleep(self._renew_every)
            started = time.monotonic()
            attempt = asyncio.ensure_future(self._renewed())
            try:
                await asyncio.wait({attempt}, timeout=max(0.0, self._valid_until - started))
                if attempt.done() and attempt.result():
                    self._valid_until = started + self._ttl
            finally:
                attempt.cancel()
            if time.monotonic() >= self._valid_until:
                log.warning("lease lost", processor=self.processor, epoch=self._epoch)
                body.cancel()
                return

    async def _renewed(self) -> bool:
        """Whether it was renewed. A refusal sets ``_valid_until`` to 0; after a failure it may be tried again."""
        parameters = {"processor": self.processor, "epoch": self._epoch, "ttl": timedelta(seconds=self._ttl)}
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_RENEW, parameters)
                if not cursor.rowcount:
                    self._valid_until = 0.0
                return bool(cursor.rowcount)
        except psycopg.Error as error:
            log.warning("lease not renewed", processor=self.processor, error=type(error).__name__)
            return False

    async def _release(self) -> None:
        try:
            async with self._pool.connection() as connection:
                await connection.execute(_RELEASE, {"processor": self.processor, "epoch": self._epoch})
        except TRANSIENT_DATABASE_ERRORS as error:
            # It expires by itself.
            log.warning("lease not released", processor=self.processor, error=type(error).__name__)


def lease_owner(process: int) -> str:
    """What the leases of this machine's process with that id are held under."""
    return f"{socket.gethostname()}:{process}"


async def give_back(connection: AsyncConnection[Any], owner: str) -> None:
    """Free every lease that ``owner`` holds: for who saw its process end, so that nobody waits for the leases to."""
    await connection.execute(_GIVE_BACK, {"owner": owner})
