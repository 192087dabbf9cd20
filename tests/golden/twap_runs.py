"""A TWAP: slices that are filled, one that is refused, a pause, and its cancel."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from commands.halting import Scope
from commands.ids import DEFAULT_ACCOUNT
from domain.terms import OrderTerms
from domain.tokens import SOL, USDC
from domain.twap import Twap
from domain.twap_events import TwapSubmitted
from tests.chaos.node import FaultyNode
from tests.golden.runs import execute, history, is_ended
from tests.integration.workers.harness import EngineHarness, now

TERMS: dict[str, Any] = {
    "type": "market",
    "token_in": SOL,
    "token_out": USDC,
    "amount_in": 10**9 + 3,
    "slippage_bps": 100,
    "slippage_defaulted": False,
}


@history
async def twap_sliced(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """One slice is filled, the next refused while trading is halted; paused and resumed one more is; then cancelled."""
    execute(engine)
    engine.start_watcher()
    lists = engine.store.twaps
    asked = TwapSubmitted(
        client_list_id="golden", order=OrderTerms(**TERMS), slices=5, every_ms=500, network="localnet"
    )
    twap = (await lists.submit(DEFAULT_ACCOUNT, asked, now())).twap
    await _begun(engine, twap.order_id(1))
    await engine.until(twap.order_id(1), is_ended, within=60)
    await engine.store.halting.set(Scope(), "halted", by="test", because="the test")
    async with asyncio.timeout(60):
        while not (await _now(engine, twap)).refused:
            await asyncio.sleep(0.02)
    await lists.pause(twap.list_id, DEFAULT_ACCOUNT, by="test")
    await engine.store.halting.set(Scope(), "active", by="test", because="the test")
    await lists.resume(twap.list_id, DEFAULT_ACCOUNT, by="test", now=now())
    known = await _now(engine, twap)
    taken = next(number for number in range(2, 6) if not known.was_refused(number))
    await _begun(engine, twap.order_id(taken))
    await lists.cancel(twap.list_id, DEFAULT_ACCOUNT, by="test", because="enough", now=now())
    await engine.until(twap.order_id(taken), is_ended, within=60)
    return [twap.list_id, twap.order_id(1), twap.order_id(taken)]


async def _now(engine: EngineHarness, twap: Twap) -> Twap:
    return await engine.store.twaps.owned(twap.list_id, DEFAULT_ACCOUNT)


async def _begun(engine: EngineHarness, order_id: UUID) -> None:
    async with asyncio.timeout(60):
        while not await engine.events.load(order_id):
            await asyncio.sleep(0.02)
