"""The queue between processes: its consumer is woken, and takes more as soon as there is room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import dramatiq

from event_store.notifier import Notifier
from tests.integration.embedded import EmbeddedValkey
from workers.dispatch.broker import IDLE_S, QUEUE, Take, WokenBroker, open_broker
from workers.dispatch.queue import Queue, declare_actor

THREADS = 2


class Taken:
    """When each id was taken, by the clock of the sender."""

    def __init__(self) -> None:
        self.at: dict[UUID, float] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    async def take(self, order_ids: Sequence[UUID]) -> None:
        self.at.update(dict.fromkeys(order_ids, time.monotonic()))
        await self.gate.wait()

    async def all(self, order_ids: Sequence[UUID]) -> None:
        async with asyncio.timeout(15):
            while not set(order_ids) <= set(self.at):
                await asyncio.sleep(0.001)


def broker_on(valkey: EmbeddedValkey) -> WokenBroker:
    broker = open_broker(f"{valkey.url.rstrip('/').removesuffix('/0')}/5")
    broker.flush(QUEUE)
    return broker


@asynccontextmanager
async def working(broker: WokenBroker, take: Take) -> AsyncIterator[None]:
    declare_actor(broker, take, asyncio.get_running_loop())
    worker = dramatiq.Worker(broker, worker_timeout=1_000, worker_threads=THREADS)
    worker.start()
    await asyncio.sleep(0.3)
    try:
        yield
    finally:
        await asyncio.to_thread(worker.stop, timeout=3_000)


async def waits(queue: Queue, taken: Taken) -> list[float]:
    """For how long each of twenty messages waited while the queue was idle, the shortest first."""
    found = []
    for number in range(20):
        order_id = uuid4()
        await asyncio.sleep(0.01 * number)
        sent = time.monotonic()
        await queue.send([order_id])
        await taken.all([order_id])
        found.append(taken.at[order_id] - sent)
    return sorted(found)


async def test_a_message_into_an_idle_queue_is_taken_at_once(valkey: EmbeddedValkey):
    broker, taken = broker_on(valkey), Taken()
    queue = Queue(broker)
    async with working(broker, taken.take):
        found = await waits(queue, taken)
    queue.close()
    # Of a poll once in IDLE_S ten of twenty would wait for half of that; a busy machine is late by less.
    assert found[0] < 0.02, found
    assert found[10] < IDLE_S / 4, found


async def test_another_process_wakes_the_consumer_by_valkey(valkey: EmbeddedValkey):
    consumer, producer, taken = broker_on(valkey), broker_on(valkey), Taken()
    prefix = f"test:{uuid4()}"
    hearing, saying = Notifier(valkey.url, prefix=prefix), Notifier(valkey.url, prefix=prefix)
    queue = Queue(producer, saying)
    for notifier in (hearing, saying):
        await notifier.start()
    hearing.listen("work", lambda _: consumer.wake())
    async with working(consumer, taken.take):
        found = await waits(queue, taken)
    queue.close()
    for notifier in (hearing, saying):
        await notifier.stop()
    assert found[0] < 0.05, found
    assert found[10] < IDLE_S / 4, found


async def test_what_is_acknowledged_makes_room_for_what_waits(valkey: EmbeddedValkey):
    broker, taken = broker_on(valkey), Taken()
    queue, order_ids = Queue(broker), [uuid4() for _ in range(40)]
    async with working(broker, taken.take):
        taken.gate.clear()
        for order_id in order_ids:
            await queue.send([order_id])
        await asyncio.sleep(1.5 * IDLE_S)
        assert len(taken.at) == THREADS
        released = time.monotonic()
        taken.gate.set()
        await taken.all(order_ids)
        took = time.monotonic() - released
    queue.close()
    # Four fit at a time: a consumer that polled would wait for IDLE_S nine times.
    assert took < 4 * IDLE_S, took
