"""Whether the servers an address names answer, asked once before a program starts: a sentence now beats a stack trace
later.
"""

import asyncio
from urllib.parse import urlsplit

from psycopg import pq
from psycopg.conninfo import make_conninfo
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError

from runtime.errors import StartupError

PATIENCE = 5  # seconds


async def postgres(url: str) -> None:
    """Raises StartupError unless PostgreSQL accepts connections there; whether it lets us in, the first statement
    shows.
    """
    try:
        address = urlsplit(url)
        host, port = address.hostname or "localhost", address.port or 5432
    except ValueError:
        raise StartupError("DATABASE_URL cannot be read: postgresql://user:password@host:5432/database") from None
    conninfo = make_conninfo(host=host, port=port, connect_timeout=PATIENCE).encode()
    answer = await asyncio.to_thread(pq.PGconn.ping, conninfo)
    if answer == pq.Ping.REJECT:
        raise StartupError(f"PostgreSQL at {host}:{port} (DATABASE_URL) accepts no connections now")
    if answer != pq.Ping.OK:
        raise StartupError(f"PostgreSQL does not answer at {host}:{port} (DATABASE_URL)")


async def valkey(url: str) -> None:
    """Raises StartupError unless Valkey or Redis answers a PING."""
    try:
        address = urlsplit(url)
        where = (
            f"{address.hostname or 'localhost'}:{address.port or 6379}" if address.scheme != "unix" else address.path
        )
    except ValueError:
        raise StartupError("REDIS_URL cannot be read: redis://:password@host:6379/0") from None
    try:
        async with Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE) as client:
            await client.ping()
    except AuthenticationError:
        raise StartupError(f"Valkey at {where} refuses the password of REDIS_URL") from None
    except (RedisError, OSError):
        raise StartupError(f"Valkey does not answer at {where} (REDIS_URL)") from None
