"""The client of Valkey that every room uses on the event loop: a connection that is closed is one kind of error.

uvloop raises ``RuntimeError`` where the peer has closed a connection between two steps of its opening; asyncio's own
loop raises ``OSError``, and that alone is what redis-py turns into its ``ConnectionError``.
"""

from __future__ import annotations

from collections.abc import Iterable

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as ValkeyConnectionError


def open_valkey(url: str, **options: float) -> Redis:
    """A client with a pool of its own. ``url`` and ``options`` are those of ``Redis.from_url``; connects when used.

    Whatever cuts a connection is a ``redis.exceptions.ConnectionError``.
    """
    return Redis.from_pool(open_pool(url, **options))


def open_pool(url: str, **options: float) -> ConnectionPool:
    """The pool of such a client, for a library that makes the client itself."""
    pool: ConnectionPool = ConnectionPool.from_url(url, **options)
    pool.connection_class = _saying_closed(pool.connection_class)
    return pool


def _saying_closed(of: type[AbstractConnection]) -> type[AbstractConnection]:
    """That class (plain, TLS or of a Unix socket) whose writes to a closed connection say so."""

    class SayingClosed(of):  # type: ignore[valid-type,misc]
        async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
            try:
                await super().send_packed_command(command, check_health)
            except RuntimeError as error:
                raise ValkeyConnectionError(f"the connection was closed: {error}") from error

    return SayingClosed
