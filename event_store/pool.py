"""Pooled connections for reads and for what the application owns, in autocommit."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from event_store.dsn import parse

# What a process holds that stands still in the middle of a transaction, others wait for: less than a lease's time.
_NO_IDLE_TRANSACTION = "set idle_in_transaction_session_timeout = '3s'"


def connection_pool(
    url: str, *, min_size: int = 1, max_size: int = 4, application_name: str = "surefill"
) -> AsyncConnectionPool:
    """A pool that is not open yet: ``async with`` it. Without a connection for 2 s a caller gets ``PoolTimeout``.

    A transaction is asked for: ``async with connection.transaction()``.
    """
    return AsyncConnectionPool(
        parse(url, application_name=application_name).conninfo,
        min_size=min_size,
        max_size=max_size,
        kwargs={"autocommit": True, "connect_timeout": 5},
        configure=_configure,
        check=ensure_connected,
        timeout=2.0,
        # The pool's own back-off doubles for minutes; a pool that gives up starts afresh with its next caller.
        reconnect_timeout=1.0,
        open=False,
    )


async def _configure(connection: AsyncConnection[Any]) -> None:
    await connection.execute(_NO_IDLE_TRANSACTION)


async def ensure_connected(connection: AsyncConnection[Any]) -> None:
    """Raise OperationalError when the server has closed this connection, as far as it shows without asking it."""
    # The first may read the server's parting words, the second then its end of the line.
    connection.pgconn.consume_input()
    connection.pgconn.consume_input()
    if connection.closed:
        raise psycopg.OperationalError("the connection is closed")
