"""The execution side of an engine in a test's hands: what the roles compose, started part by part."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import dramatiq

from api.rates import Rates
from chains.protocol import Chain
from chains.solana_client import SolanaChain
from chains.wallet import Wallet
from commands import ids
from commands.cancel import request_cancel
from commands.ids import DEFAULT_ACCOUNT
from commands.loaded_order import LoadedOrder
from commands.order_lists import AcceptedList, NewList, submit_list
from commands.submit import submit_order
from domain.commands import RecordQuotes, SubmitOrder
from domain.legs import LinkedKind
from domain.order import Order
from domain.terms import OrderTerms
from domain.tokens import SOL, USDC
from event_store.processors.leases import Lease
from localnet.keys import MARKET_KEY
from projections.orders import PROCESSOR
from runtime.composition import Market, Store, lease_of
from runtime.composition import utc_now as now
from runtime.roles import projector, reclaim, tracker
from runtime.roles import watcher as watcher_role
from runtime.roles import worker as worker_role
from runtime.roles.parts import Parts
from runtime.settings import Settings
from venues.prices import PoolPrices, PriceSource
from venues.protocol import VenueGroup
from workers.dispatch.queue import declare_actor
from workers.dispatch.sweeper import Sweeper
from workers.execution.executor import Executor
from workers.execution.quoting import PATIENCE_S, Quoting
from workers.reclaim.reclaimer import RECLAIM, HistoryCheck
from workers.tracker.tracker import TRACKER, Pace
from workers.watcher.book import Book
from workers.watcher.book_feed import WATCHER, BookFeed
from workers.watcher.expiry import Expiry
from workers.watcher.watcher import Pace as WatcherPace
from workers.watcher.watcher import Watcher

RECLAIM_LEAST_S = 0.2


class Unsent:
    """The chain, for a process that dies on its way to a send: what it hands over never leaves."""

    def __init__(self, chain: SolanaChain) -> None:
        self._chain = chain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    async def send(self, transaction: bytes) -> str:
        raise asyncio.CancelledError


async def nothing_unknown(_: UUID) -> str | None:
    """For a reclaimer in a test that compares no history."""
    return None


class EngineHarness:
    """Everything an order meets between the log and the chain; a test starts what it wants to run."""

    def __init__(self, settings: Settings, store: Store, market: Market, wallet: Wallet, genesis_hash: str) -> None:
        self.settings, self.store, self.market = settings, store, market
        self.wallet, self.genesis_hash = wallet, genesis_hash
        self.pool, self.events, self.feed, self.mapper = store.pool, store.events, store.feed, store.mapper
        self.work, self.broker, self.queue = store.work, store.broker, store.queue
        self.book, self.rpc_url = market.pools, settings.solana_rpc_url
        self.market_key = settings.data_dir / "chain" / MARKET_KEY
        # What a test may put another in place of, for whatever it starts then.
        self.orders, self.accounts, self.chain = store.orders, store.accounts, market.chain
        self.running: list[asyncio.Task[None]] = []
        self._executors: list[Executor] = []
        self._workers: list[dramatiq.Worker] = []

    async def submit(self, *, executed: bool = False, paper: bool = False, **changes: Any) -> UUID:
        """``executed``: as the API does, which asks first whether the log has lost the order."""
        command = _command(paper=paper, **changes)
        known = ids.order_id(DEFAULT_ACCOUNT, command.terms.client_order_id)
        found = await self.store.executed_elsewhere.of_order(DEFAULT_ACCOUNT, known) if executed else None
        accepted = await submit_order(self.orders, DEFAULT_ACCOUNT, command, found)
        return accepted.order_id

    async def submit_list(
        self, kind: LinkedKind, *legs: dict[str, Any], name: str | None = None, executed: bool = False
    ) -> AcceptedList:
        """``name`` is the client's own id of the list; ``executed`` as above."""
        client_list_id = name or str(uuid4())
        commands = [_command(**leg) for leg in legs]
        new = NewList(ids.list_id(DEFAULT_ACCOUNT, client_list_id), kind, client_list_id, commands)
        elsewhere = self.store.executed_elsewhere.of_order
        found = {one: await elsewhere(DEFAULT_ACCOUNT, one) for one in new.order_ids} if executed else {}
        return await submit_list(self.orders, DEFAULT_ACCOUNT, new, {one: tx for one, tx in found.items() if tx})

    async def cancel(self, order_id: UUID) -> LoadedOrder:
        return await request_cancel(self.orders, self.store.trading, order_id, by="test", because="a test")

    def start_projector(self) -> asyncio.Task[None]:
        """The read model and the work rows, written together."""
        return self._start(PROCESSOR, projector.compose(self._parts.store).run)

    def start_sweeper(self) -> asyncio.Task[None]:
        task = asyncio.create_task(Sweeper(self.events, self.work, self.queue).run())
        self.running.append(task)
        return task

    def start_tracker(self, pace: Pace | None = None) -> asyncio.Task[None]:
        return self._start(TRACKER, tracker.compose(self._parts, pace).run)

    def start_reclaimer(self, keep: str, history: HistoryCheck = nothing_unknown) -> asyncio.Task[None]:
        parts = self._parts
        parts = replace(parts, settings=self.settings.model_copy(update={"guard_keep": keep}))
        reclaimer = reclaim.compose(parts, self.wallet, self.genesis_hash, history, least=RECLAIM_LEAST_S)
        return self._start(RECLAIM, reclaimer.run)

    def start_watcher(
        self,
        source: PriceSource | None = None,
        pace: WatcherPace | None = None,
        slot_age: Callable[[int], Awaitable[int]] | None = None,
    ) -> BookFeed:
        feed = BookFeed(self.pool, self.events, self.orders, Book())
        deadman = watcher_role.deadman_watch(self._parts.store)
        source = source or PoolPrices(self.book)
        rates = Rates(self.settings.redis_url, fail_open=True)
        twaps = watcher_role.twap_watch(self._parts, source, deadman, rates)
        watcher = Watcher(
            feed=feed,
            orders=self.orders,
            log=self.feed,
            source=source,
            slot_age=slot_age or self.chain.slot_age,
            clock=now,
            deadman=deadman,
            trading=self.store.trading,
            pace=pace or WatcherPace(observe=0.05),
            told=twaps.apply,
        )

        expiry = Expiry(feed, self.orders, self.store.trading, now)

        async def watch(lease: Lease) -> None:
            after = await feed.restore()
            async with rates, asyncio.TaskGroup() as tasks:
                tasks.create_task(watcher.follow(after))
                await deadman.restore()
                tasks.create_task(expiry.run(lease))
                tasks.create_task(deadman.run(lease))
                tasks.create_task(twaps.run(lease))
                await watcher.run(lease)

        self._start(WATCHER, watch)
        return feed

    def start_worker(self) -> None:
        declare_actor(self.broker, self.executor().take, asyncio.get_running_loop())
        worker = dramatiq.Worker(self.broker, worker_timeout=1_000, worker_threads=2)
        worker.start()
        self._workers.append(worker)

    async def stop(self) -> None:
        """End what was started, as a clean stop does; the worker's threads go on until ``close``."""
        for task in self.running:
            task.cancel()
        stopping = (executor.stop() for executor in self._executors)
        await asyncio.gather(*self.running, *stopping, return_exceptions=True)
        self.running.clear()

    async def close(self) -> None:
        await self.stop()
        for worker in self._workers:
            await asyncio.to_thread(worker.stop, timeout=3_000)

    def executor(
        self,
        *,
        chain: Chain | None = None,
        venues: Sequence[VenueGroup] | None = None,
        always_simulate: bool = True,
        patience: float = PATIENCE_S,
        reserve: int = 0,
        may_sign: Callable[[], bool] = lambda: True,
    ) -> Executor:
        """The executor as the worker's role composes it, over other parts where they are given."""
        parts = self._parts
        market = replace(
            parts.market, chain=cast(SolanaChain, chain or self.chain), venues=venues or parts.market.venues
        )
        settings = self.settings.model_copy(update={"always_simulate": always_simulate, "lamport_reserve": reserve})
        executor = worker_role.compose(
            replace(parts, settings=settings, market=market),
            self.wallet,
            self.genesis_hash,
            may_sign=may_sign,
            patience=patience,
        )
        self._executors.append(executor)
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

    async def projected(self) -> None:
        """Return once the projector has come to the end of the log."""
        async with asyncio.timeout(10):
            while await self.work.projected() < await self.events.head():
                await asyncio.sleep(0.02)

    async def until(self, order_id: UUID, holds: Callable[[Order], bool], *, within: float = 15) -> Order:
        """The order once ``holds`` says so."""
        deadline = asyncio.get_running_loop().time() + within
        while not holds(order := await self.order(order_id)):
            assert asyncio.get_running_loop().time() < deadline, order
            await asyncio.sleep(0.05)
        return order

    @property
    def _parts(self) -> Parts:
        store = replace(self.store, orders=self.orders, accounts=self.accounts)
        return Parts(self.settings, store, replace(self.market, chain=self.chain))

    def _start(self, processor: str, run: Callable[[Lease], Awaitable[None]]) -> asyncio.Task[None]:
        async def held() -> None:
            async with lease_of(self.store, processor).hold() as lease:
                await run(lease)

        task = asyncio.create_task(held())
        self.running.append(task)
        return task


def _command(*, paper: bool = False, network: str = "localnet", **changes: Any) -> SubmitOrder:
    terms: dict[str, Any] = {
        "type": "market",
        "token_in": SOL,
        "token_out": USDC,
        "amount_in": 500_000_000,
        "slippage_bps": 100,
        "slippage_defaulted": False,
    }
    deadline = changes.pop("deadline", now() + timedelta(seconds=60))
    asked = OrderTerms(**{**terms, **changes})
    return SubmitOrder(asked, deadline if asked.starts_at_once else None, network, paper)
