"""The two ends of the queue: ids put into it, and the actor that hands them to the executor."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import dramatiq
import structlog
from redis.exceptions import RedisError

from event_store.notifier import Notifier
from workers.dispatch.broker import ACTOR, IDS_A_MESSAGE, QUEUE, Take, WokenBroker, message
from workers.metrics import MESSAGES_FAILED

log = structlog.get_logger(__name__)

# With this many messages waiting most orders that are due have one among them: another would be work for nothing.
BACKLOG = 20
_WAKE_BITS = 62


class Queue:
    """The sending end, on the loop it is made on. ``notifier`` wakes the consumers of other processes."""

    def __init__(self, broker: WokenBroker, notifier: Notifier | None = None) -> None:
        self._broker = broker
        self._notifier = notifier
        # By it a process knows its own wake-up, which its consumers don't need: they were woken by the broker.
        self.own = secrets.randbits(_WAKE_BITS)
        # Dramatiq's client is a blocking one. A thread of its own: no order waits for what others put there.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="queue")

    async def send(self, order_ids: Sequence[UUID]) -> None:
        """Ask for these orders to be executed. Raises ``RedisError``."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._enqueue, order_ids)
        if self._notifier is not None:
            self._notifier.publish("work", self.own)

    async def is_short(self) -> bool:
        """Whether it is worth while to send orders that may be in it already. Raises ``RedisError``."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._length) < BACKLOG

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _enqueue(self, order_ids: Sequence[UUID]) -> None:
        for start in range(0, len(order_ids), IDS_A_MESSAGE):
            self._broker.enqueue(message([order_id.hex for order_id in order_ids[start : start + IDS_A_MESSAGE]]))

    def _length(self) -> int:
        return int(str(self._broker.client.llen(f"{self._broker.namespace}:{QUEUE}")))


class HandOver:
    """Sends what this process has just made executable: one message a round, as soon as it is durable."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._waiting: list[UUID] = []
        self._sending: asyncio.Task[None] | None = None

    def add(self, order_ids: Sequence[UUID]) -> None:
        """Returns at once and never raises: what Valkey doesn't take comes due by its row."""
        self._waiting.extend(order_ids)
        if self._waiting and (self._sending is None or self._sending.done()):
            self._sending = asyncio.create_task(self._send(), name="hand-over")

    async def stop(self) -> None:
        """Wait for what is being sent, for a moment."""
        if self._sending is not None:
            await asyncio.wait({self._sending}, timeout=1.0)

    async def _send(self) -> None:
        while self._waiting:
            order_ids, self._waiting = self._waiting, []
            try:
                await self._queue.send(order_ids)
            except RedisError as error:
                MESSAGES_FAILED.inc()
                log.warning("not handed over; the sweeper repeats it", error=type(error).__name__)


def declare_actor(broker: WokenBroker, take: Take, loop: asyncio.AbstractEventLoop) -> None:
    """The actor ``execute``: Dramatiq's threads take the messages, the work itself runs on ``loop``.

    A message is done once its orders are being visited. Whoever dies then leaves rows, which come due. Declared again,
    the actor is another's from then on.
    """
    broker.take = take
    if ACTOR in broker.actors:
        return

    def execute(ids: list[str]) -> None:
        order_ids = [UUID(hex=text) for text in ids]

        async def begin() -> None:
            assert broker.take is not None  # noqa: S101 - set before the actor was declared
            await broker.take(order_ids)

        asyncio.run_coroutine_threadsafe(begin(), loop).result()

    dramatiq.actor(broker=broker, actor_name=ACTOR, queue_name=QUEUE)(execute)
