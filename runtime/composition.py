"""Puts the engine together: which part gets which. Every role takes what it needs from here."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

from chains.solana_client import SolanaChain
from commands.accounts import Accounts
from commands.dead_letters import DeadLetters
from commands.orders import OrderRepository
from domain.account import ACCOUNT_EVENTS
from domain.codes import Code
from domain.events import ORDER_EVENTS
from event_store.append.appender import Appender
from event_store.mapper import EventMapper
from event_store.notifier import Notifier
from event_store.pool import connection_pool
from event_store.processors.leases import Lease
from event_store.read.log import Log
from runtime.chain_identity import ChainIdentity
from runtime.settings import Settings
from venues.constant_product import PROGRAM_ID
from venues.constant_product_errors import ProgramError
from venues.pools import PoolBook
from venues.protocol import VenueGroup
from workers.dispatch.work import Pool

# Of so many open orders a process remembers what it has read; one takes 5 to 15 KB.
RECENT_ORDERS = 2_000

PROGRAM_CODES = {
    PROGRAM_ID: {
        int(ProgramError.SLIPPAGE_EXCEEDED): Code.SLIPPAGE_EXCEEDED,
        # What is built was quoted as something: the pool has changed since.
        int(ProgramError.NOTHING_OUT): Code.SLIPPAGE_EXCEEDED,
    }
}

# The programs a transaction of ours may call, beside compute budget and memo.
ALLOWED_PROGRAMS = frozenset({PROGRAM_ID})


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Store:
    """The log from both sides, and the connections for what the application owns."""

    pool: Pool
    events: Log
    notifier: Notifier
    mapper: EventMapper
    orders: OrderRepository
    accounts: Accounts
    dead_letters: DeadLetters


@asynccontextmanager
async def open_store(settings: Settings, role: str, *, connections: int = 4) -> AsyncIterator[Store]:
    """Connections to PostgreSQL and Valkey for one process, closed in reverse."""
    notifier = Notifier(settings.redis_url)
    # pg_stat_activity then says which process holds what others wait for.
    shown = f"surefill {role} {os.getpid()}"
    appender = Appender(settings.database_url, notifier=notifier, application_name=shown)
    mapper = EventMapper((*ORDER_EVENTS, *ACCOUNT_EVENTS))
    async with connection_pool(settings.database_url, max_size=connections, application_name=shown) as pool:
        events = Log(pool)
        await notifier.start()
        await appender.start()
        try:
            orders = OrderRepository(events, appender, mapper, recent=RECENT_ORDERS)
            accounts = Accounts(events, appender, mapper)
            letters = DeadLetters(events, appender, mapper, orders)
            yield Store(pool, events, notifier, mapper, orders, accounts, letters)
        finally:
            await appender.stop()
            await notifier.stop()


@dataclass(frozen=True, slots=True)
class Market:
    """The chain, which one it is, and what trades on it; prices come from ``pools``, which are empty until the node has
    answered: who trades waits for ``identity.confirmed()``.
    """

    chain: SolanaChain
    pools: PoolBook
    venues: Sequence[VenueGroup]
    identity: ChainIdentity


@asynccontextmanager
async def open_market(settings: Settings, store: Store) -> AsyncIterator[Market]:
    """The chain behind SOLANA_RPC_URL and its pools, at once, whether a node answers there or not."""
    chain = SolanaChain(
        settings.solana_rpc_url,
        extra_urls=settings.solana_evidence_rpc_urls,
        custom_codes=PROGRAM_CODES,
    )
    pools = PoolBook(chain, PROGRAM_ID)
    identity = ChainIdentity(chain, pools, settings.solana_rpc_url, store.pool, store.mapper)
    try:
        await identity.start()
        yield Market(chain, pools, (pools,), identity)
    finally:
        await identity.stop()
        await chain.close()


def lease_of(store: Store, processor: str) -> Lease:
    """The lease under which this process may be ``processor``."""
    return own_lease(store.pool, processor)


def own_lease(pool: Pool, processor: str, ttl: float = 5.0) -> Lease:
    """The same over a pool of one's own; it outlives its holder by ``ttl`` seconds at most."""
    return Lease(pool, processor, owner=f"{socket.gethostname()}:{os.getpid()}", ttl=ttl)


def broker_url(redis_url: str) -> str:
    """The queue's own database, the one after REDIS_URL's: Dramatiq's maintenance scans every key of it."""
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        return redis_url
    database = parts.path.strip("/") or "0"
    return urlunsplit(parts._replace(path=f"/{int(database) + 1}"))
