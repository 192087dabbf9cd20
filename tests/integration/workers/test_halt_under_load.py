"""The kill switch while orders stream in and are executed: by the log, nothing is built where it forbids it."""

from __future__ import annotations

import asyncio
from uuid import UUID

from commands.halting import Scope
from domain.events import OrderEvent, TransactionBuilt
from domain.trading_state import TradingStateSet
from tests.integration.workers.harness import EngineHarness

WHY = {"by": "test", "because": "the test"}
ROUNDS, ORDERS_EACH_MS = 4, 25


async def submit_until(engine: EngineHarness, done: asyncio.Event, ids: list[UUID]) -> None:
    while not done.is_set():
        ids.append(await engine.submit(amount_in=10_000_000))
        await asyncio.sleep(ORDERS_EACH_MS / 1_000)


async def recorded(engine: EngineHarness) -> list[tuple[int, object]]:
    """Every event of orders and of what an operator has set, by position."""
    found: list[tuple[int, object]] = []
    while page := await engine.events.read(found[-1][0] if found else 0, 1_000):
        for one in page:
            found.append((one.position, engine.mapper.load(one.topic, one.state)))
    return found


async def test_no_swap_is_built_between_a_halt_and_its_end_and_nothing_is_lost(engine: EngineHarness) -> None:
    engine.start_projector()
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker()
    ids: list[UUID] = []
    done = asyncio.Event()
    load = asyncio.create_task(submit_until(engine, done, ids))
    halts: list[tuple[int, int]] = []
    for _ in range(ROUNDS):
        await asyncio.sleep(1)
        halted = await engine.store.halting.set(Scope(), "halted", **WHY)
        await asyncio.sleep(1)
        halts.append((halted, await engine.store.halting.set(Scope(), "active", **WHY)))
    done.set()
    await load

    for order_id in ids:
        assert (await engine.until(order_id, lambda order: order.ended, within=60)).status == "confirmed"
    log = await recorded(engine)
    built = [position for position, event in log if isinstance(event, TransactionBuilt) and event.purpose == "swap"]
    assert [position for position in built if any(halt < position < end for halt, end in halts)] == []
    # Each halt came in the midst of the work, and kept orders from it that came while it stood.
    states = [(position, event.state) for position, event in log if isinstance(event, TradingStateSet)]
    assert states == [one for halt, end in halts for one in ((halt, "halted"), (end, "active"))]
    assert len(built) == len(ids) and min(built) < halts[0][0] and max(built) > halts[-1][1]
    for halt, end in halts:
        assert any(halt < position < end and isinstance(event, OrderEvent) for position, event in log)
