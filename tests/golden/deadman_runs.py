"""A dead-man's switch that fires."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from commands.ids import DEFAULT_ACCOUNT
from domain.deadman import deadman_stream
from tests.chaos.node import FaultyNode
from tests.golden.runs import LIMIT, history, is_ended
from tests.integration.workers.harness import EngineHarness, now


@history
async def deadman_fired(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """It is set, renewed, cleared and set again; then nobody renews it, and what waits is cancelled."""
    engine.start_projector()
    engine.start_watcher()
    order_id = await engine.submit(**LIMIT, limit_price=Decimal(1_000))
    switches = engine.store.deadman
    for ahead in (3_600, 7_200, None, 5.1):
        cancel_at = None if ahead is None else now() + timedelta(seconds=ahead)
        await switches.set(DEFAULT_ACCOUNT, cancel_at, by="test", now=now())
    await engine.until(order_id, is_ended, within=60)
    async with asyncio.timeout(30):
        while (await switches.of(DEFAULT_ACCOUNT)).state != "fired":
            await asyncio.sleep(0.05)
    return [order_id, deadman_stream(DEFAULT_ACCOUNT)]
