"""The process that submits a TWAP's slices is killed with -9 five times: twenty orders, none twice, and in order."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
from pathlib import Path

from domain.events import OrderSubmitted
from tests.e2e.engine import SUREFILL
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_twap import RESTS, _all_begun, assert_no_burst, begun, count, submit

SLICES, DEATHS = 20, 5


def watcher(engine: EngineHarness, log: Path) -> subprocess.Popen[bytes]:
    settings = engine.settings
    own = {
        "SUREFILL_SUPERVISED": "1",
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": str(settings.database_url),
        "REDIS_URL": str(settings.redis_url),
        "SOLANA_RPC_URL": engine.rpc_url,
    }
    with log.open("ab") as out:
        return subprocess.Popen([str(SUREFILL), "run", "watcher"], env={**os.environ, **own}, stdout=out, stderr=out)


async def test_killed_five_times_it_makes_twenty_orders_none_twice_and_in_order(
    engine: EngineHarness, tmp_path: Path
) -> None:
    dice, log = random.Random(13), tmp_path / "watcher.log"
    twap = await submit(engine, SLICES, **RESTS)
    for death in range(DEATHS):
        process = watcher(engine, log)
        try:
            async with asyncio.timeout(120):
                while await count(engine, twap) < 3 * (death + 1):
                    assert process.poll() is None, log.read_text()
                    await asyncio.sleep(0.01)
                # At any moment between two slices, and around them.
                await asyncio.sleep(dice.random() * twap.every.total_seconds())
        finally:
            process.kill()
            await asyncio.to_thread(process.wait)
        assert await count(engine, twap) < SLICES
    process = watcher(engine, log)
    try:
        async with asyncio.timeout(180):
            await _all_begun(engine, twap)
            while await engine.store.twaps.schedule.next(1):
                await asyncio.sleep(0.05)
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
    story = await begun(engine, twap)
    assert [number for number, _, _ in story] == list(range(1, SLICES + 1))
    assert_no_burst(story)
    for number, order_id in enumerate(twap.order_ids, 1):
        recorded = await engine.events.load(order_id)
        assert [event.topic for event in recorded] == [OrderSubmitted.TOPIC]
        assert (await engine.order(order_id)).amount_in == twap.terms(number).amount_in
    assert sum(twap.terms(number).amount_in for number in range(1, SLICES + 1)) == twap.submitted.order.amount_in
