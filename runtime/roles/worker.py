"""The worker: Dramatiq's Worker in this process; its threads take hints, the stages run on this process's loop."""

from __future__ import annotations

import asyncio

import dramatiq

from chains.blockhashes import BlockhashCache
from runtime.composition import ALLOWED_PROGRAMS, broker_url, open_market, open_store, utc_now
from runtime.preconditions import require_wallet
from runtime.settings import Settings
from workers.dispatch.broker import StageRun, declare_actors, open_broker
from workers.dispatch.next_work import Stage
from workers.dispatch.work import WorkTable
from workers.stages.build import Build, BuildContext
from workers.stages.route import Route
from workers.stages.submit import Submit

# The idle queue is looked at this often: what an order waits for at most, at each stage.
IDLE_MS = 20
STOP_MS = 1_000


async def run(settings: Settings) -> None:
    async with open_store(settings, "worker") as store, open_market(settings, store) as market:
        genesis_hash = await market.identity.confirmed()
        wallet = await require_wallet(store.pool, store.mapper, genesis_hash, settings.wallet_file)
        work = WorkTable(store.pool)
        context = BuildContext(
            accounts=store.accounts,
            chain=market.chain,
            blockhashes=BlockhashCache(market.chain),
            wallet=wallet,
            venues=market.venues,
            programs=ALLOWED_PROGRAMS,
            genesis_hash=genesis_hash,
        )
        runs: dict[Stage, StageRun] = {
            "route": Route(store.orders, work, utc_now, market.venues).run,
            "build": Build(store.orders, work, utc_now, context).run,
            "submit": Submit(store.orders, work, utc_now, market.chain).run,
        }
        broker = open_broker(broker_url(settings.redis_url))
        declare_actors(broker, runs, asyncio.get_running_loop())
        worker = dramatiq.Worker(broker, worker_timeout=IDLE_MS, worker_threads=settings.worker_threads)
        worker.start()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.to_thread(worker.stop, timeout=STOP_MS)
            broker.close()
