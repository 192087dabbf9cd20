"""Pooled connections in autocommit mode, for reads and for the application's own tables."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from event_store.dsn import parse

# A process that is paused in the middle of a transaction keeps its locks, and others wait for them. The limit is
# shorter than a lease lasts.
_NO_IDLE_TRANSACTION = "set idle_in_transaction_session_timeout = '3s'"

Check = Callable[[AsyncConnection[Any]], Awaitable[None]]
"""Asked of each new connection; where it raises, the connection isn't used."""


class _Pool(AsyncConnectionPool[AsyncConnection[Any]]):
    """psycopg's own, of which no cancellation takes a connection away: it never learns that it has lost one, and once
    all are lost nobody gets a connection again.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._returns: set[asyncio.Task[None]] = set()

    async def getconn(self, timeout: float | None = None) -> AsyncConnection[Any]:  # noqa: ASYNC109 - psycopg's own
        """psycopg's own drops a cancellation that comes in the moment in which a connection becomes free: the caller
        would go on for ever, and whoever has cancelled it wait for ever.
        """
        task = asyncio.current_task()
        asked = task.cancelling() if task else 0
        connection = await super().getconn(timeout)
        if task and task.cancelling() > asked:
            await self.putconn(connection)
            raise asyncio.CancelledError
        return connection

    async def putconn(self, conn: AsyncConnection[Any]) -> None:
        """Goes on where the caller is cancelled: psycopg's own waits for the pool's lock with the connection in no
        one's hands, and a cancellation in that moment loses it.
        """
        returned = asyncio.create_task(super().putconn(conn))
        self._returns.add(returned)
        returned.add_done_callback(self._returns.discard)
        await asyncio.shield(returned)


def connection_pool(
    url: str,
    *,
    min_size: int = 1,
    max_size: int = 4,
    application_name: str = "surefill",
    check_new: Check | None = None,
) -> AsyncConnectionPool:
    """A pool that is not open yet: open it with ``async with``.

    A caller that gets no connection within 2 s gets ``PoolTimeout``. Transactions are explicit: ``async with
    connection.transaction()``.
    """

    async def configure(connection: AsyncConnection[Any]) -> None:
        await connection.execute(_NO_IDLE_TRANSACTION)
        if check_new is not None:
            await check_new(connection)

    return _Pool(
        parse(url, application_name=application_name).conninfo,
        min_size=min_size,
        max_size=max_size,
        kwargs={"autocommit": True, "connect_timeout": 5},
        configure=configure,
        check=ensure_connected,
        timeout=2.0,
        # The pool's own back-off would grow to minutes. A pool that has given up tries again with its next caller.
        reconnect_timeout=1.0,
        open=False,
    )


async def ensure_connected(connection: AsyncConnection[Any]) -> None:
    """Raise OperationalError where the server has closed the connection, as far as that shows without a round trip."""
    # The first call may read the server's last message, the second then notices the end of the connection.
    connection.pgconn.consume_input()
    connection.pgconn.consume_input()
    if connection.closed:
        raise psycopg.OperationalError("the connection is closed")
