"""The execution side on real parts: PostgreSQL, Valkey, Dramatiq's worker threads, the local chain."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import dramatiq
import pytest
from dramatiq.brokers.redis import RedisBroker
from psycopg_pool import AsyncConnectionPool

from chains.blockhashes import BlockhashCache
from chains.solana_client import SolanaChain
from chains.wallet import Wallet
from commands.accounts import Accounts
from commands.ids import DEFAULT_ACCOUNT
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from commands.submit import submit_order
from domain.account import ACCOUNT_EVENTS
from domain.codes import Code
from domain.commands import SubmitOrder
from domain.events import ORDER_EVENTS
from domain.order import Order
from domain.terms import OrderTerms
from domain.tokens import SOL, USDC
from event_store.append.appender import Appender
from event_store.mapper import EventMapper
from event_store.notifier import Notifier
from event_store.pool import connection_pool
from event_store.processors.leases import Lease
from event_store.read.log import Log
from localnet.keys import MARKET_KEY
from localnet.main import serve
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedValkey
from venues.constant_product import PROGRAM_ID
from venues.constant_product_errors import ProgramError
from venues.pools import PoolBook
from venues.prices import PoolPrices, PriceSource
from workers.dispatch.broker import Hints, declare_actors, open_broker
from workers.dispatch.relay import RELAY, Relay
from workers.dispatch.sweeper import Sweeper
from workers.dispatch.work import WorkTable
from workers.stages.build import Build, BuildContext
from workers.stages.route import Route
from workers.stages.submit import Submit
from workers.tracker.tracker import TRACKER, Pace, Tracker
from workers.watcher.book import Book
from workers.watcher.book_feed import WATCHER, BookFeed
from workers.watcher.watcher import Pace as WatcherPace
from workers.watcher.watcher import Watcher

SLOT_MS = 20


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class EngineHarness:
    """Everything an order meets between the log and the chain; a test starts what it wants to run."""

    pool: AsyncConnectionPool
    events: Log
    notifier: Notifier
    orders: OrderRepository
    accounts: Accounts
    work: WorkTable
    chain: SolanaChain
    book: PoolBook
    wallet: Wallet
    broker: RedisBroker
    genesis_hash: str
    rpc_url: str
    market_key: Path
    running: list[asyncio.Task[None]] = field(default_factory=list)
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

    def start_relay(self) -> asyncio.Task[None]:
        relay = Relay(self.pool, self.events, self.notifier, self.work, Hints(self.broker))
        return self._start(Lease(self.pool, RELAY, owner="test"), relay.run)

    def start_sweeper(self) -> asyncio.Task[None]:
        task = asyncio.create_task(Sweeper(self.events, self.work, Hints(self.broker)).run())
        self.running.append(task)
        return task

    def start_tracker(self, pace: Pace | None = None) -> asyncio.Task[None]:
        tracker = Tracker(
            orders=self.orders,
            accounts=self.accounts,
            events=self.events,
            notifier=self.notifier,
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
            events=self.events,
            notifier=self.notifier,
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
        await asyncio.gather(*self.running, return_exceptions=True)
        self.running.clear()

    def start_worker(self) -> dramatiq.Worker:
        worker = dramatiq.Worker(self.broker, worker_timeout=20, worker_threads=4)
        worker.start()
        self.workers.append(worker)
        return worker

    def stages(self) -> dict[str, Route | Build | Submit]:
        context = BuildContext(
            accounts=self.accounts,
            chain=self.chain,
            blockhashes=BlockhashCache(self.chain),
            wallet=self.wallet,
            venues=[self.book],
            programs=frozenset({PROGRAM_ID}),
            genesis_hash=self.genesis_hash,
        )
        return {
            "route": Route(self.orders, self.work, now, [self.book]),
            "build": Build(self.orders, self.work, now, context),
            "submit": Submit(self.orders, self.work, now, self.chain),
        }

    async def order(self, order_id: UUID) -> Order:
        order = (await self.history(order_id)).order
        assert order is not None
        return order

    async def history(self, order_id: UUID) -> LoadedOrder:
        return (await self.orders.load([order_id])).histories[order_id]

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
    appender = Appender(database.app, notifier=notifier)
    await appender.start()
    codes = {PROGRAM_ID: {int(ProgramError.SLIPPAGE_EXCEEDED): Code.SLIPPAGE_EXCEEDED}}
    chain = SolanaChain(rpc_url, custom_codes=codes, timeout=chain_timeout)
    async with connection_pool(database.app, max_size=8) as pool:
        events = Log(pool)
        book = PoolBook(chain, PROGRAM_ID)
        genesis_hash = await _genesis(chain)
        await book.load()
        broker = open_broker(f"{valkey.url.rstrip('/').removesuffix('/0')}/1")
        broker.flush_all()
        mapper = EventMapper((*ORDER_EVENTS, *ACCOUNT_EVENTS))
        engine = EngineHarness(
            pool=pool,
            events=events,
            notifier=notifier,
            orders=OrderRepository(events, appender, mapper, recent=2_000),
            accounts=Accounts(events, appender, mapper),
            work=WorkTable(pool),
            chain=chain,
            book=book,
            wallet=Wallet.load(tmp_path / "wallet.json"),
            broker=broker,
            genesis_hash=genesis_hash,
            rpc_url=rpc_url,
            market_key=tmp_path / "chain" / MARKET_KEY,
        )
        declare_actors(broker, {n: s.run for n, s in engine.stages().items()}, asyncio.get_running_loop())  # type: ignore[misc]
        yield engine
        await engine.stop()
        for worker in engine.workers:
            await asyncio.to_thread(worker.stop, timeout=3_000)
        broker.close()
        await chain.close()
        await appender.stop()
        await notifier.stop()


async def _genesis(chain: SolanaChain) -> str:
    async with asyncio.timeout(10):
        while True:
            try:
                return await chain.genesis_hash()
            except Exception:  # noqa: BLE001 - it is starting
                await asyncio.sleep(0.02)
