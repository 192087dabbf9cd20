"""A role is begun again after each loss of its lease, for as long as its process lives: it leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from redis.asyncio import Redis

from chains.wallet import read_keypair
from commands.ids import DEFAULT_ACCOUNT
from runtime.roles import reclaim, wallet_history, watcher, worker
from runtime.roles.parts import Parts
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_account_wallets import desk
from tests.integration.workers.test_execution import QUICK
from tests.integration.workers.test_twap import RESTS, count, submit
from tests.stubs.jupiter import serving
from tests.unit.chains.test_signer import SignerStub
from workers.history.table import HistoryTable


@pytest.fixture
async def stub(engine: EngineHarness) -> AsyncIterator[SignerStub]:
    stub = SignerStub(key=read_keypair(engine.settings.wallet_file))
    async with serving(stub, web.post("/", stub.sign)):
        yield stub


async def begun_and_ended(role: Awaitable[None], works: Callable[[], Awaitable[bool]]) -> None:
    """Cancel ``role`` once it ``works``."""
    running = asyncio.ensure_future(role)
    try:
        async with asyncio.timeout(30):
            while not await works():
                assert not running.done(), await running
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def compare(engine: EngineHarness, table: HistoryTable) -> None:
    begun = (await table.numbers()).begun

    async def is_compared() -> bool:
        return (await table.numbers()).completed > begun

    await begun_and_ended(wallet_history.run(engine._parts), is_compared)


async def test_who_compares_the_history_of_accounts_listens_no_more_once_it_has_ended(engine: EngineHarness) -> None:
    table = HistoryTable(engine.pool, (await desk(engine)).account_id)
    before = len(engine.store.notifier._listeners["history"])
    for _ in range(3):
        await compare(engine, table)
    assert len(engine.store.notifier._listeners["history"]) == before


async def test_the_queue_keeps_no_worker_that_has_ended(engine: EngineHarness) -> None:
    for _ in range(2):
        before = engine.broker.take

        async def is_begun(before: object = before) -> bool:
            return engine.broker.take is not before

        await begun_and_ended(worker.run(engine._parts), is_begun)
        assert engine.broker.middleware == []


async def test_who_signs_elsewhere_has_no_connection_to_the_signer_once_it_has_ended(
    engine: EngineHarness, stub: SignerStub
) -> None:
    loop, left = asyncio.get_running_loop(), list[dict[str, Any]]()
    loop.set_exception_handler(lambda _, context: left.append(context))
    changes = {"signer_url": stub.url, "wallet_address": engine.wallet.address, "guard_key": "11" * 32}
    settings = engine.settings.model_copy(update={**changes, "guard_keep": "1s"})
    parts = Parts(settings, engine.store, engine.market)
    engine.start_projector()
    engine.start_tracker(QUICK)
    engine.start_sweeper()
    for _ in range(2):
        order_id = await engine.submit()

        async def is_confirmed(order_id: UUID = order_id) -> bool:
            return (await engine.order(order_id)).status == "confirmed"

        await begun_and_ended(worker.run(parts), is_confirmed)
    signed = len(stub.asked)
    await compare(engine, HistoryTable(engine.pool, DEFAULT_ACCOUNT))

    async def is_reclaimed() -> bool:
        return len(stub.asked) > signed

    await begun_and_ended(reclaim.run(parts), is_reclaimed)
    assert signed
    gc.collect()  # aiohttp says then what was left open
    await asyncio.sleep(0)
    assert left == []


async def test_the_watcher_has_no_connection_to_count_rates_by_once_it_has_ended(engine: EngineHarness) -> None:
    await engine.store.directory.set_limits(DEFAULT_ACCOUNT, {"orders_per_minute": 600}, by="test")
    twap = await submit(engine, slices=20, **RESTS)

    async def goes_on(until: int) -> bool:
        return await count(engine, twap) >= until

    async with Redis.from_url(engine.settings.redis_url) as redis:
        await begun_and_ended(watcher.run(engine._parts), partial(goes_on, 1))
        before = len(await redis.client_list())
        for number in (2, 3, 4):
            await begun_and_ended(watcher.run(engine._parts), partial(goes_on, number))
        async with asyncio.timeout(5):  # for Valkey to see it
            while len(await redis.client_list()) > before:
                await asyncio.sleep(0.02)
