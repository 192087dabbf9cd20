"""Puts the engine together: which part gets which. Every role takes what it needs from here."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

from chains.solana_client import SolanaChain
from commands.accounts import Accounts
from commands.closed_elsewhere import ClosedElsewhere
from commands.dead_letters import DeadLetters
from commands.deadman import DeadmanSwitches
from commands.directory.commands import DirectoryCommands
from commands.epochs import KnownEpochs
from commands.executed_elsewhere import ExecutedElsewhere
from commands.foreign import ForeignTransactions
from commands.foreign_reclaims import ForeignReclaims
from commands.guard_keys import GuardKeys
from commands.halting import Halting
from commands.ids import DEFAULT_ACCOUNT
from commands.known_accounts import KnownAccounts
from commands.orders import OrderRepository
from commands.reclaims import Reclaims
from commands.trading import TradingStates
from commands.twap.lists import TwapLists
from commands.twap.lost_slices import LostSlices
from commands.twap.schedule import TwapSchedule
from domain.account import ACCOUNT_EVENTS
from domain.directory_events import DIRECTORY_EVENTS
from domain.events import ORDER_EVENTS
from domain.trading_state import TradingStateSet
from event_store.append.appender import Appender
from event_store.mapper import EventMapper
from event_store.notifier import Notifier
from event_store.pool import connection_pool
from event_store.processors.leases import Lease, lease_owner
from event_store.read.continuity import Continuity
from event_store.read.feed import LogFeed
from event_store.read.log import Log
from event_store.types import NewEvent
from projections.orders import PROCESSOR
from projections.stream_changes import StreamChanges
from runtime.chain_identity import ChainIdentity
from runtime.remote_venues import OpenVenues, open_venues
from runtime.settings import Settings
from venues.constant_product import PROGRAM_ID
from venues.pools import PoolBook
from venues.programs import CUSTOM_CODES
from venues.protocol import VenueGroup
from workers.dispatch.broker import WokenBroker, open_broker
from workers.dispatch.next_work import AT_ONCE
from workers.dispatch.queue import HandOver, Queue
from workers.dispatch.work import Pool, WorkTable

# Of so many open orders, and as many that have ended, a process remembers what it has read: 4 to 8 KB while one waits,
# 15 to 25 KB with its swap, and about 8 KB more for each further try. How often its trail has moved doesn't count.
RECENT_ORDERS = 5_000


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Store:
    """The log from both sides, and the connections for what the application owns: one for each process.

    ``feed`` is what the process knows of the log's end, ``continuity`` whether PostgreSQL still has that; ``queue`` is
    where orders are handed over to be executed; ``hurry`` is set where somebody waits for a read model, and
    ``ask_for_hurry`` sets it in every process; ``history_wanted`` is set where a process waits for the wallet's history
    to be compared with the log.
    """

    pool: Pool
    events: Log
    feed: LogFeed
    continuity: Continuity
    notifier: Notifier
    mapper: EventMapper
    orders: OrderRepository
    accounts: Accounts
    guard_keys: GuardKeys
    reclaims: Reclaims
    foreign_reclaims: ForeignReclaims
    trading: TradingStates
    epochs: KnownEpochs
    foreign: ForeignTransactions
    executed_elsewhere: ExecutedElsewhere
    closed_elsewhere: ClosedElsewhere
    known_accounts: KnownAccounts
    directory: DirectoryCommands
    halting: Halting
    deadman: DeadmanSwitches
    twaps: TwapLists
    stream_changes: StreamChanges
    dead_letters: DeadLetters
    work: WorkTable
    broker: WokenBroker
    queue: Queue
    hand_over: HandOver
    hurry: asyncio.Event
    history_wanted: asyncio.Event

    def ask_for_hurry(self) -> None:
        self.notifier.publish("wanted")


@asynccontextmanager
async def open_store(settings: Settings, role: str, *, connections: int = 4) -> AsyncIterator[Store]:
    """Connections to PostgreSQL and Valkey for one process, closed in reverse. None of them need be there yet.

    Whoever follows the log runs ``feed``. What the process makes executable it hands over as soon as it is durable.
    """
    notifier = Notifier(settings.redis_url)
    broker = open_broker(broker_url(settings.redis_url))
    queue = Queue(broker, notifier)
    hand_over = HandOver(queue)
    # pg_stat_activity then says which process holds what others wait for.
    shown = f"surefill {role} {os.getpid()}"
    mapper = EventMapper((*ORDER_EVENTS, *ACCOUNT_EVENTS, *DIRECTORY_EVENTS, TradingStateSet))
    continuity = Continuity()
    async with connection_pool(
        settings.database_url, max_size=connections, application_name=shown, check_new=continuity.check
    ) as pool:
        events = Log(pool)
        feed = LogFeed(events.read, events.head, notifier)

        def appended(own: Sequence[NewEvent]) -> None:
            hand_over.add([event.stream_id for event in own if event.topic in AT_ONCE])

        appender = Appender(
            settings.database_url,
            notifier=notifier,
            stored=feed.offer,
            appended=appended,
            application_name=shown,
            check_new=continuity.check,
        )
        orders = OrderRepository(events, appender, mapper, recent=RECENT_ORDERS)
        accounts = Accounts(events, appender, mapper)
        trading = TradingStates(accounts)
        feed.follow(continuity.follow)
        feed.follow(orders.follow)
        feed.follow(trading.follow)
        epochs = KnownEpochs(accounts, DEFAULT_ACCOUNT)
        feed.follow(epochs.follow)
        reclaims = Reclaims(events, appender, mapper)
        foreign = ForeignTransactions(
            events, appender, mapper, orders, accounts, LostSlices(events, mapper, TwapSchedule(pool))
        )
        executed_elsewhere = ExecutedElsewhere(foreign)
        foreign_reclaims = ForeignReclaims(events, appender, mapper, reclaims)
        feed.follow(executed_elsewhere.follow)
        known_accounts = KnownAccounts(events, mapper)
        feed.follow(known_accounts.follow)
        stream_changes = StreamChanges()
        feed.follow(stream_changes.follow)
        directory = DirectoryCommands(settings.database_url, pool, notifier, known_accounts)
        hurry = asyncio.Event()
        notifier.listen("wanted", lambda _: hurry.set())
        history_wanted = asyncio.Event()
        notifier.listen("history", lambda _: history_wanted.set())
        notifier.listen("work", lambda who: None if who == queue.own else broker.wake())
        await notifier.start()
        await appender.start()
        try:
            yield Store(
                pool=pool,
                events=events,
                feed=feed,
                continuity=continuity,
                notifier=notifier,
                mapper=mapper,
                orders=orders,
                accounts=accounts,
                guard_keys=GuardKeys(events, appender, mapper),
                reclaims=reclaims,
                foreign_reclaims=foreign_reclaims,
                trading=trading,
                epochs=epochs,
                foreign=foreign,
                executed_elsewhere=executed_elsewhere,
                closed_elsewhere=ClosedElsewhere(foreign_reclaims),
                known_accounts=known_accounts,
                directory=directory,
                halting=Halting(events, appender, mapper),
                deadman=DeadmanSwitches(events, appender, mapper),
                twaps=TwapLists(events, appender, mapper, trading, orders, TwapSchedule(pool)),
                stream_changes=stream_changes,
                dead_letters=DeadLetters(events, appender, mapper, orders),
                work=WorkTable(pool, written_by=PROCESSOR),
                broker=broker,
                queue=queue,
                hand_over=hand_over,
                hurry=hurry,
                history_wanted=history_wanted,
            )
        finally:
            directory.close()
            await appender.stop()
            await hand_over.stop()
            queue.close()
            await asyncio.to_thread(broker.close)
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
    opened: OpenVenues


@asynccontextmanager
async def open_market(settings: Settings, store: Store, *, patience: float = 10.0) -> AsyncIterator[Market]:
    """The chain behind SOLANA_RPC_URL and its pools, at once, whether a node answers there or not.

    ``patience`` is for how many seconds each call to the node is waited for.
    """
    chain = SolanaChain(
        settings.solana_rpc_url,
        extra_urls=settings.solana_evidence_rpc_urls,
        landers=settings.landers,
        sends=not settings.paper,
        custom_codes=CUSTOM_CODES,
        timeout=patience,
    )
    pools = PoolBook(chain, PROGRAM_ID)
    identity = ChainIdentity(
        chain,
        chain.evidence_endpoints,
        pools if "pools" in settings.venues else None,
        settings.solana_rpc_url,
        store.pool,
        store.mapper,
    )
    comparing = asyncio.create_task(chain.health.run(), name="rpc-health")
    try:
        await identity.start()
        async with open_venues(settings, chain, pools) as opened:
            yield Market(chain, pools, opened.groups, identity, opened)
    finally:
        comparing.cancel()
        await asyncio.gather(comparing, return_exceptions=True)
        await identity.stop()
        await chain.close()


def lease_of(store: Store, processor: str) -> Lease:
    """The lease under which this process may be ``processor``."""
    return own_lease(store.pool, processor)


def own_lease(pool: Pool, processor: str, ttl: float = 5.0) -> Lease:
    """The same over a pool of one's own; it outlives its holder by ``ttl`` seconds at most."""
    return Lease(pool, processor, owner=lease_owner(os.getpid()), ttl=ttl)


def broker_url(redis_url: str) -> str:
    """The queue's own database, the one after REDIS_URL's: Dramatiq's maintenance scans every key of it."""
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        return redis_url
    database = parts.path.strip("/") or "0"
    return urlunsplit(parts._replace(path=f"/{int(database) + 1}"))
