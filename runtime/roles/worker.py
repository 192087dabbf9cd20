"""The worker: Dramatiq's Worker in this process; its threads take messages, visits run on this process's loop."""

from __future__ import annotations

import asyncio

import dramatiq

from chains.blockhashes import BlockhashCache
from chains.wallet import Wallet
from runtime.composition import ALLOWED_PROGRAMS, utc_now
from runtime.preconditions import require_wallet
from runtime.roles.parts import Parts
from workers.dispatch.queue import declare_actor
from workers.execution.builder import BuildContext, Builder
from workers.execution.compute_limits import ComputeLimits
from workers.execution.executor import Executor
from workers.execution.quoting import PATIENCE_S, Quoting
from workers.execution.visit import Visit

# A message is done as soon as its orders are being visited: a few threads take all there are.
THREADS = 2
# Nothing is lost by it: the consumer is woken, and the threads wait for the consumer.
IDLE_MS = 1_000
STOP_MS = 1_000


async def run(parts: Parts) -> None:
    settings, store, market = parts.settings, parts.store, parts.market
    genesis_hash = await market.identity.confirmed()
    wallet = await require_wallet(store.pool, store.mapper, genesis_hash, settings.wallet_file)
    executor = compose(parts, wallet, genesis_hash)
    declare_actor(store.broker, executor.take, asyncio.get_running_loop())
    worker = dramatiq.Worker(store.broker, worker_timeout=IDLE_MS, worker_threads=THREADS)
    worker.start()
    try:
        await asyncio.Event().wait()
    finally:
        store.broker.wake()
        await asyncio.to_thread(worker.stop, timeout=STOP_MS)
        await executor.stop()


def compose(parts: Parts, wallet: Wallet, genesis_hash: str, *, patience: float = PATIENCE_S) -> Executor:
    """The executor over these parts; ``patience`` is for how many seconds a venue is waited for."""
    settings, store, market = parts.settings, parts.store, parts.market
    context = BuildContext(
        chain=market.chain,
        blockhashes=BlockhashCache(market.chain),
        wallet=wallet,
        venues=market.venues,
        programs=ALLOWED_PROGRAMS,
        genesis_hash=genesis_hash,
        limits=ComputeLimits(always_simulate=settings.always_simulate),
    )
    visit = Visit(
        orders=store.orders,
        trading=store.trading,
        quoting=Quoting(market.venues, patience=patience),
        builder=Builder(context, utc_now),
        chain=market.chain,
        clock=utc_now,
    )
    return Executor(visit, store.work)
