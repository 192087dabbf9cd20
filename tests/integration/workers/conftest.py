"""The execution side on real parts: PostgreSQL, Valkey, Dramatiq's worker threads, the local chain."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import dramatiq
import pytest
from psycopg import AsyncCursor
from psycopg_pool import AsyncConnectionPool

from chains.blockhashes import BlockhashCache
from chains.protocol import Chain
from chains.solana_client import SolanaChain
from chains.wallet import Wallet
from commands.accounts import Accounts
from commands.ids import DEFAULT_ACCOUNT
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from commands.submit import submit_order
from commands.trading import TradingStates
from domain.account import ACCOUNT_EVENTS
from domain.codes import Code
from domain.commands import RecordQuotes, SubmitOrder
from domain.events import ORDER_EVENTS
from domain.order import Order
from domain.terms import OrderTerms
from domain.tokens import SOL, USDC
from event_store.append.appender import Appender
from event_store.mapper import EventMapper
from event_store.notifier import Notifier
from event_store.pool import connection_pool
from event_store.processors.leases import Lease
from event_store.read.feed import LogFeed
from event_store.read.log import Log
from event_store.types import NewEvent, PositionedEvent
from localnet.keys import MARKET_KEY
from localnet.main import serve
from projections.orders import PROCESSOR
from projections.projector import OrdersProjector
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedValkey
from venues.constant_product import PROGRAM_ID
from venues.constant_product_errors import ProgramError
from venues.pools import PoolBook
from venues.prices import PoolPrices, PriceSource
from venues.protocol import VenueGroup
from workers.dispatch.broker import QUEUE, WokenBroker, open_broker
from workers.dispatch.next_work import AT_ONCE, next_work_of
from workers.dispatch.queue import HandOver, Queue, declare_actor
from workers.dispatch.sweeper import Sweeper
from workers.dispatch.work import WorkTable
from workers.execution.builder import BuildContext, Builder
from workers.execution.compute_limits import ComputeLimits
from workers.execution.executor import Executor
from workers.execution.quoting import Quoting
from workers.execution.visit import Visit
from workers.tracker.tracker import TRACKER, Pace, Tracker
from workers.watcher.book import Book
from workers.watcher.book_feed import WATCHER, BookFeed
from workers.watcher.watcher import Pace as WatcherPace
from workers.watcher.watcher import Watcher

SLOT_MS = 20


def now() -> datetime:
    return datetime.now(UTC)


class Unsent:
    """The chain, for a process that dies on its way to a send: what it hands over never leaves."""

    def __init__(self, chain: SolanaChain) -> None:
        self._chain = chain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    async def send(self, transaction: bytes) -> str:
        raise asyncio.CancelledError


@dataclass
class EngineHarness:
    """Everything an order meets between the log and the chain; a test starts what it wants to run."""

    pool: AsyncConnectionPool
    events: Log
    feed: LogFeed
    notifier: Notifier
    mapper: EventMapper
    orders: OrderRepository
    accounts: Accounts
    trading: TradingStates
    work: WorkTable
    chain: SolanaChain
    book: PoolBook
    wallet: Wallet
    broker: WokenBroker
    queue: Queue
    genesis_hash: str
    rpc_url: str
    market_key: Path
    running: list[asyncio.Task[None]] = field(default_factory=list)
    executors: list[Executor] = field(default_factory=list)
    workers: list[dramatiq.Worker] = field(default_factory=list)

    async def submit(self, **changes: Any) -> UUID:
        terms: dict[str, Any] = {
            "type": "market",
            "token_in": SOL,
            "token_out": USDC,
            "amount_in": 500_000_000,
            "slippage_bps": 100,
            "slippage_defaulted": False,
        }
        market = changes.get("type", "market") == "market"
        deadline = changes.pop("deadline", now() + timedelta(seconds=60) if market else None)
        command = SubmitOrder(OrderTerms(**{**terms, **changes}), deadline, "localnet")
        accepted = await submit_order(self.orders, DEFAULT_ACCOUNT, command)
        return accepted.order_id

    def start_projector(self) -> asyncio.Task[None]:
        """The read model and the work rows, written together, as the projector's role composes it."""

        async def rows(cursor: AsyncCursor[Any], batch: Sequence[PositionedEvent]) -> None:
            await self.work.record(
                cursor, next_work_of((event.stream_id, event.version, event.topic) for event in batch)
            )

        projector = OrdersProjector(self.pool, self.feed, self.mapper, beside=rows)
        return self._start(Lease(self.pool, PROCESSOR, owner="test"), projector.run)

    def start_sweeper(self) -> asyncio.Task[None]:
        task = asyncio.create_task(Sweeper(self.events, self.work, self.queue).run())
        self.running.append(task)
        return task

    def start_tracker(self, pace: Pace | None = None) -> asyncio.Task[None]:
        tracker = Tracker(
            orders=self.orders,
            accounts=self.accounts,
            feed=self.feed,
            work=self.work,
            chain=self.chain,
            commitment="confirmed",
            clock=now,
            pace=pace,
        )
        return self._start(Lease(self.pool, TRACKER, owner="test"), tracker.run)

    def start_watcher(
        self,
        source: PriceSource | None = None,
        pace: WatcherPace | None = None,
        slot_age: Callable[[int], Awaitable[int]] | None = None,
    ) -> BookFeed:
        feed = BookFeed(self.pool, self.events, self.orders, Book())
        watcher = Watcher(
            feed=feed,
            orders=self.orders,
            log=self.feed,
            source=source or PoolPrices(self.book),
            slot_age=slot_age or self.chain.slot_age,
            clock=now,
            pace=pace or WatcherPace(observe=0.02),
        )

        async def watch(lease: Lease) -> None:
            after = await feed.restore()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(watcher.follow(after))
                await watcher.run(lease)

        self._start(Lease(self.pool, WATCHER, owner="test"), watch)
        return feed

    async def stop(self) -> None:
        """End what was started, as a clean stop does."""
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, *(executor.stop() for executor in self.executors), return_exceptions=True)
        self.running.clear()

    def start_worker(self) -> dramatiq.Worker:
        declare_actor(self.broker, self.executor().take, asyncio.get_running_loop())
        worker = dramatiq.Worker(self.broker, worker_timeout=1_000, worker_threads=2)
        worker.start()
        self.workers.append(worker)
        return worker

    def executor(
        self,
        *,
        chain: Chain | None = None,
        venues: Sequence[VenueGroup] | None = None,
        always_simulate: bool = True,
        patience: float = 5.0,
    ) -> Executor:
        """The executor as the worker's role composes it, over other parts where they are given."""
        chain, venues = chain or self.chain, venues or [self.book]
        context = BuildContext(
            chain=chain,
            blockhashes=BlockhashCache(chain),
            wallet=self.wallet,
            venues=venues,
            programs=frozenset({PROGRAM_ID}),
            genesis_hash=self.genesis_hash,
            limits=ComputeLimits(always_simulate=always_simulate),
        )
        visit = Visit(
            orders=self.orders,
            trading=self.trading,
            quoting=Quoting(venues, patience=patience),
            builder=Builder(context, now),
            chain=chain,
            clock=now,
        )
        executor = Executor(visit, self.work)
        self.executors.append(executor)
        return executor

    async def route(self, *order_ids: UUID) -> None:
        """Each order routed and no further: how a visit to a remote venue leaves it that ends before it has built."""
        quoting = Quoting([self.book])
        for order_id in order_ids:
            history = await self.history(order_id)
            assert history.order is not None
            answers = await quoting.ask(history.order)
            await self.orders.execute(history, RecordQuotes(answers.quotes, answers.refusals, now()))

    async def build(self, *order_ids: UUID) -> None:
        """Each order's transaction, built and recorded by a visit that ended before it could send it."""
        await self.execute(*order_ids, executor=self.executor(chain=cast(Chain, Unsent(self.chain))))

    async def execute(self, *order_ids: UUID, executor: Executor | None = None) -> None:
        """One visit of each order, to its end."""
        executor = executor or self.executor()
        await executor.take(order_ids)
        await executor.settled()

    async def order(self, order_id: UUID) -> Order:
        order = (await self.history(order_id)).order
        assert order is not None
        return order

    async def history(self, order_id: UUID) -> LoadedOrder:
        return (await self.orders.load([order_id])).orders[order_id]

    async def until(self, order_id: UUID, holds: Callable[[Order], bool], *, within: float = 15) -> Order:
        """The order once ``holds`` says so."""
        deadline = asyncio.get_running_loop().time() + within
        while not holds(order := await self.order(order_id)):
            assert asyncio.get_running_loop().time() < deadline, order
            await asyncio.sleep(0.02)
        return order

    def _start(self, lease: Lease, run: Callable[[Lease], object]) -> asyncio.Task[None]:
        async def held() -> None:
            async with lease.hold():
                await run(lease)  # type: ignore[misc]

        task = asyncio.create_task(held())
        self.running.append(task)
        return task


@pytest.fixture
def chain_timeout() -> float:
    """How long (s) a call to the node may take."""
    return 10.0


@pytest.fixture
async def rpc_url(tmp_path: Path) -> AsyncIterator[str]:
    """A local chain of its own, and the wallet it has funded in ``tmp_path/wallet.json``."""
    wallet = Wallet.create(tmp_path / "wallet.json")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    node = asyncio.create_task(
        serve(host="127.0.0.1", port=port, directory=tmp_path / "chain", wallet=wallet.address, slot_ms=SLOT_MS)
    )
    yield f"http://127.0.0.1:{port}"
    node.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await node


@pytest.fixture
async def engine(
    database: TestDatabase, valkey: EmbeddedValkey, rpc_url: str, chain_timeout: float, tmp_path: Path
) -> AsyncIterator[EngineHarness]:
    notifier = Notifier(valkey.url)
    await notifier.start()
    codes = {PROGRAM_ID: {int(ProgramError.SLIPPAGE_EXCEEDED): Code.SLIPPAGE_EXCEEDED}}
    chain = SolanaChain(rpc_url, custom_codes=codes, timeout=chain_timeout)
    async with connection_pool(database.app, max_size=8) as pool:
        events = Log(pool)
        feed = LogFeed(events.read, events.head, notifier)
        broker = open_broker(f"{valkey.url.rstrip('/').removesuffix('/0')}/1")
        broker.flush(QUEUE)
        queue = Queue(broker, notifier)
        hand_over = HandOver(queue)

        def appended(own: Sequence[NewEvent]) -> None:
            hand_over.add([event.stream_id for event in own if event.topic in AT_ONCE])

        appender = Appender(database.app, notifier=notifier, stored=feed.offer, appended=appended)
        await appender.start()
        book = PoolBook(chain, PROGRAM_ID)
        genesis_hash = await _genesis(chain)
        await book.load()
        mapper = EventMapper((*ORDER_EVENTS, *ACCOUNT_EVENTS))
        orders = OrderRepository(events, appender, mapper, recent=2_000)
        accounts = Accounts(events, appender, mapper)
        trading = TradingStates(accounts)
        feed.follow(orders.follow)
        feed.follow(trading.follow)
        following = asyncio.create_task(feed.run())
        await feed.begun()
        engine = EngineHarness(
            pool=pool,
            events=events,
            feed=feed,
            notifier=notifier,
            mapper=mapper,
            orders=orders,
            accounts=accounts,
            trading=trading,
            work=WorkTable(pool, written_by=PROCESSOR),
            chain=chain,
            book=book,
            wallet=Wallet.load(tmp_path / "wallet.json"),
            broker=broker,
            queue=queue,
            genesis_hash=genesis_hash,
            rpc_url=rpc_url,
            market_key=tmp_path / "chain" / MARKET_KEY,
        )
        yield engine
        await engine.stop()
        for worker in engine.workers:
            await asyncio.to_thread(worker.stop, timeout=3_000)
        await appender.stop()
        await hand_over.stop()
        queue.close()
        broker.close()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await chain.close()
        await notifier.stop()


async def _genesis(chain: SolanaChain) -> str:
    async with asyncio.timeout(10):
        while True:
            try:
                return await chain.genesis_hash()
            except Exception:  # noqa: BLE001 - it is starting
                await asyncio.sleep(0.02)
