"""A role is begun again after each loss of its lease, for as long as its process lives: it leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from runtime.roles import wallet_history
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_account_wallets import desk
from workers.history.table import HistoryTable


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


async def test_who_compares_the_history_of_accounts_listens_no_more_once_it_has_ended(engine: EngineHarness) -> None:
    table = HistoryTable(engine.pool, (await desk(engine)).account_id)
    before = len(engine.store.notifier._listeners["history"])
    for _ in range(3):
        begun = (await table.numbers()).begun

        async def is_compared(begun: int = begun) -> bool:
            return (await table.numbers()).completed > begun

        await begun_and_ended(wallet_history.run(engine._parts), is_compared)
    assert len(engine.store.notifier._listeners["history"]) == before
