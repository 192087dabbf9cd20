"""What is recorded beside an order: contradictions, a halt, dead letters."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from commands.dead_letters import DeadLetters
from commands.ids import DEFAULT_ACCOUNT
from domain.account import (
    RecordedDeadLetter,
    dead_letters_stream,
    reconciliation_stream,
    trading_stream,
)
from domain.commands import RecordExpiry
from tests.chaos.node import FaultyNode
from tests.golden.runs import (
    MAPPER,
    PAST_ITS_LIFE,
    SENDS_NOTHING,
    execute,
    history,
    is_ended,
)
from tests.integration.workers.conftest import EngineHarness, now
from tests.integration.workers.test_contradictions import forged, landed, run_to
from workers.stages.submit import signed_bytes


@history
async def contradiction_halts_and_resumes(desks: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """An attempt that a lying node called expired lands after all, then the second: trading halts, and is resumed."""
    order_id = await desks.submit()
    await run_to(desks, order_id, "build")
    first = signed_bytes(await desks.history(order_id), 1)
    evidence = forged((await desks.order(order_id)).attempts[0])
    await desks.orders.execute(await desks.history(order_id), RecordExpiry(1, evidence, now()))
    await run_to(desks, order_id, "build")
    await desks.chain.send(first)
    await landed(desks, order_id, 1)
    desks.start_tracker(SENDS_NOTHING)
    await desks.chain.send(signed_bytes(await desks.history(order_id), 2))
    async with asyncio.timeout(15):
        while not (await desks.accounts.trading(DEFAULT_ACCOUNT)).halted:
            await asyncio.sleep(0.05)
    late = await desks.submit(deadline=now() + timedelta(seconds=2))
    desks.start_relay()
    desks.start_sweeper()
    desks.start_worker()
    await desks.until(late, is_ended)
    await desks.accounts.resume(DEFAULT_ACCOUNT, "the two swaps are settled by hand")
    return [order_id, late, reconciliation_stream(DEFAULT_ACCOUNT), trading_stream(DEFAULT_ACCOUNT)]


@history
async def halted(desks: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """A confirmed swap is dropped by a fork and never lands again: noted, and trading stays halted."""
    execute(desks)
    order_id = await desks.submit()
    confirmed = await desks.until(order_id, is_ended)
    assert confirmed.fill
    await node.fault("drop")
    await node.fault("stall")
    slot = await node.truth("getSlot", {"commitment": "processed"})
    await node.fork(slot - confirmed.fill.slot + 1, confirmed=True)
    await node.blocks(PAST_ITS_LIFE)
    async with asyncio.timeout(15):
        while not (await desks.accounts.trading(DEFAULT_ACCOUNT)).halted:
            await asyncio.sleep(0.05)
    return [order_id, reconciliation_stream(DEFAULT_ACCOUNT), trading_stream(DEFAULT_ACCOUNT)]


@history
async def given_up(desks: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Set aside by a stage, taken up again, and at last given up by an operator."""
    order_id = await desks.submit()
    await run_to(desks, order_id, "route")
    desk = DeadLetters(desks.events, desks.orders._appender, MAPPER, desks.orders)
    letter = RecordedDeadLetter(processor="build", version=3, error="UnknownPool", attempts=8, since=now())
    await desk.retried(order_id, [letter], "operator@host")
    again = letter.model_copy(update={"since": now()})
    await desk.discard(order_id, [again], "operator@host", "its pool is gone")
    return [order_id, dead_letters_stream(DEFAULT_ACCOUNT)]
