"""The queue between processes: its consumer is woken, and takes more as soon as there is room."""

from __future__ import annotations

import asyncio
import io
import logging.handlers
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID, uuid4

import dramatiq
import dramatiq.worker
import pytest
import structlog

from event_store.notifier import Notifier
from runtime.telemetry import REPEATED, configure
from tests.integration.embedded import EmbeddedValkey
from tests.integration.workers.harness import EngineHarness
from tests.ports import free_port
from workers.dispatch import sweeper
from workers.dispatch.broker import IDLE_S, QUEUE, Take, WokenBroker, open_broker
from workers.dispatch.queue import Queue, declare_actor
from workers.dispatch.sweeper import Sweeper
from workers.metrics import MESSAGES_FAILED

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


@contextmanager
def log_lines_to(stream: io.StringIO) -> Iterator[None]:
    """Logging as a process has it."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    configure(None, "worker", stream=stream)
    try:
        yield
    finally:
        root.handlers[:], root.level = handlers, level
        structlog.configure(**before)


async def test_while_valkey_is_away_its_consumers_say_nothing_again_and_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dramatiq.worker, "CONSUMER_RESTART_DELAY_SECS", 0.02)
    valkey, written, said = EmbeddedValkey(), io.StringIO(), logging.handlers.BufferingHandler(10_000)
    valkey.start()
    with log_lines_to(written):
        logging.getLogger("dramatiq").addHandler(said)
        try:
            async with working(broker_on(valkey), Taken().take):
                valkey.stop()
                async with asyncio.timeout(30):
                    while len(said.buffer) < 12:
                        await asyncio.sleep(0.01)
        finally:
            logging.getLogger("dramatiq").removeHandler(said)
            valkey.stop()
    assert {record.msg for record in said.buffer} >= {*REPEATED}
    assert "onsumer" not in written.getvalue()


async def test_the_sweeper_says_once_that_valkey_is_away_and_once_that_it_is_back(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sweeper, "MOST_SLEEP_S", 0.02)
    await engine.submit()
    engine.start_projector()
    nobody = Queue(open_broker(f"redis://127.0.0.1:{free_port()}/0"))
    sweeping = Sweeper(engine.events, engine.work, nobody)
    failed = MESSAGES_FAILED._value.get()
    with structlog.testing.capture_logs() as logged:
        task = asyncio.create_task(sweeping.run())
        async with asyncio.timeout(30):
            while MESSAGES_FAILED._value.get() < failed + 5:
                await asyncio.sleep(0.01)
            sweeping._queue = engine.queue
            while not any(line["event"] == "sweeper goes on" for line in logged):
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    nobody.close()
    said = [line["event"] for line in logged if line["event"].startswith("sweeper")]
    assert said == ["sweeper waits for Valkey", "sweeper goes on"]
