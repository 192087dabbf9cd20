"""Whether the servers an address names answer, asked once before a program starts: a sentence now beats a stack trace
later.
"""

from urllib.parse import urlsplit

import psycopg
from redis.exceptions import AuthenticationError, RedisError

from chains.errors import ChainUnavailableError
from chains.solana_client import SolanaChain
from event_store.valkey import open_valkey
from runtime.database_urls import database_at
from runtime.errors import ServerUnreachableError, StartupError
from runtime.settings import Settings

PATIENCE = 5  # seconds


async def given_servers(settings: Settings) -> None:
    """PostgreSQL and Valkey, each where its address is set; Valkey last, with its ServerUnreachableError."""
    if settings.database_owner_url:
        await postgres(settings.database_owner_url, name="DATABASE_OWNER_URL")
    elif settings.database_url:
        await postgres(settings.database_url)
    if settings.redis_url:
        await valkey(settings.redis_url)


async def postgres(url: str, *, name: str = "DATABASE_URL") -> None:
    """Raises StartupError unless PostgreSQL lets us in there; `name`: the setting the address comes from."""
    database = database_at(url, name)
    try:
        connection = await psycopg.AsyncConnection.connect(database.conninfo, connect_timeout=PATIENCE)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0].removeprefix("connection failed: ")
        raise StartupError(f"PostgreSQL is not to be had at {database} ({name}): {reason}") from None
    await connection.close()


async def valkey(url: str) -> None:
    """Raises StartupError unless Valkey or Redis answers a PING; ServerUnreachableError where nothing answers."""
    address = urlsplit(url)
    where = f"{address.hostname or 'localhost'}:{address.port or 6379}" if address.scheme != "unix" else address.path
    try:
        async with open_valkey(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE) as client:
            await client.ping()
    except AuthenticationError:
        raise StartupError(f"Valkey at {where} refuses the password of REDIS_URL") from None
    except (RedisError, OSError):
        raise ServerUnreachableError(f"Valkey does not answer at {where} (REDIS_URL)") from None


async def solana(url: str) -> str:
    """The genesis hash of the chain of the Solana node there; raises ServerUnreachableError unless one answers."""
    try:
        async with SolanaChain(url, timeout=PATIENCE) as chain:
            return await chain.genesis_hash()
    except ChainUnavailableError as error:
        where = urlsplit(url).hostname  # no more of it: a provider's key is in the path or the query
        raise ServerUnreachableError(f"no Solana node answers at {where} (SOLANA_RPC_URL): {error}") from None
