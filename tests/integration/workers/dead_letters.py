"""Reads the dead letters, and makes orders dead letters."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

from commands.ids import DEFAULT_ACCOUNT
from event_store.processors import dead_letters
from event_store.processors.dead_letters import DeadLetter
from event_store.types import AppendRequest, NewEvent, Stored
from projections.orders import PROCESSOR
from tests.integration.workers.harness import EngineHarness

FUTURE = "order.FromTheFuture"


async def all_dead_letters(engine: EngineHarness) -> list[DeadLetter]:
    """Those of the parts that execute orders; the read model's projector sets aside by itself what it can't read."""
    async with engine.pool.connection() as connection, connection.cursor() as cursor:
        return [one for one in await dead_letters.list_all(cursor) if one.processor != PROCESSOR]


async def the_dead_letter(engine: EngineHarness, *, within: float = 20) -> DeadLetter:
    """The only one of ``all_dead_letters``, as soon as there is one."""
    async with asyncio.timeout(within):
        while not (found := await all_dead_letters(engine)):
            await asyncio.sleep(0.05)
    [dead_letter] = found
    return dead_letter


async def append_from_the_future(engine: EngineHarness, order_id: UUID, topic: str = FUTURE) -> None:
    before = await engine.history(order_id)
    event = NewEvent(
        order_id, before.version + 1, uuid4(), topic, b'{"v":1,"data":{}}', DEFAULT_ACCOUNT, uuid4(), uuid4(),
        causation_id=before.last_event_id,
    )  # fmt: skip
    assert isinstance(await engine.orders._appender.append(AppendRequest((event,))), Stored)


async def due(engine: EngineHarness) -> list[UUID]:
    """What would be handed over if everything that is scheduled had come due."""
    async with engine.pool.connection() as connection:
        await connection.execute("update work set due_at = clock_timestamp()")
    return await engine.work.take_due(100)


async def add_dead_letter(engine: EngineHarness, processor: str, order_id: UUID) -> None:
    async with engine.pool.connection() as connection, connection.cursor() as cursor:
        await dead_letters.add(cursor, processor, [dead_letters.DeadLetterEntry(order_id, 2, None, "TypeError")])
