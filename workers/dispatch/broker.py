"""Dramatiq on Valkey, the one hand-over of orders to whoever executes them. A message carries ids, never facts.

Its consumer is woken instead of polling: by this process's own enqueue, and by other processes' wake-ups.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID
from weakref import WeakSet

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer

QUEUE = "orders"
ACTOR = "execute"
# Ids a message; with so many a worker's share stays small enough to be spread over several.
IDS_A_MESSAGE = 100
# How long a consumer that isn't woken waits before it looks: what a lost wake-up costs.
IDLE_S = 1.0
# Dramatiq sleeps this long by itself where a fetch found nothing; the waiting is ours.
_LEAST_SLEEP_MS = 1

Take = Callable[[Sequence[UUID]], Awaitable[None]]
"""Begins to execute these orders."""


class WokenConsumer(_RedisConsumer):
    """Waits for a wake-up where there is nothing to fetch, or no room for more."""

    def __init__(self, broker: WokenBroker, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue_name, prefetch, min(timeout, _LEAST_SLEEP_MS))  # type: ignore[no-untyped-call]
        self.woken = threading.Event()
        self._full = False
        # Whether the last fetch took all there was: until it is woken there is nothing to fetch.
        self._drained = False
        if queue_name == QUEUE:  # and not for Dramatiq's queue of delayed messages, of which there are none
            broker.add(self)

    def __next__(self) -> Any:
        if self.message_cache:
            return super().__next__()  # type: ignore[no-untyped-call]
        if self._drained:
            self.woken.wait(IDLE_S)
        # Before the fetch: what is enqueued during it is for the next.
        self.woken.clear()
        # True while it is being found out: who makes room meanwhile wakes us once too often rather than not at all.
        self._full = True
        room = self.prefetch - self.outstanding_message_count
        self._full = room <= 0
        message = super().__next__()  # type: ignore[no-untyped-call]
        self._drained = message is None or len(self.message_cache) + 1 < room
        return message

    def ack(self, message: Any) -> None:
        super().ack(message)  # type: ignore[no-untyped-call]
        # There is room again; where there was some before nothing has changed.
        if self._full:
            self.woken.set()


class WokenBroker(RedisBroker):
    """A broker whose consumers ``wake`` wakes, from any thread."""

    def __init__(self, **arguments: Any) -> None:
        self._consumers: WeakSet[WokenConsumer] = WeakSet()
        # Consumers begin in threads of their own, while others are woken.
        self._lock = threading.Lock()
        self.take: Take | None = None
        super().__init__(**arguments)  # type: ignore[no-untyped-call]

    @property
    def consumer_class(self) -> type[WokenConsumer]:
        return WokenConsumer

    def add(self, consumer: WokenConsumer) -> None:
        with self._lock:
            self._consumers.add(consumer)

    def wake(self) -> None:
        with self._lock:
            for consumer in self._consumers:
                consumer.woken.set()

    def forget(self, worker: dramatiq.Worker) -> None:
        """Dramatiq leaves each worker, its threads and what they took, with the broker that it was started on."""
        self.middleware = [one for one in self.middleware if getattr(one, "worker", None) is not worker]

    def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
        enqueued = super().enqueue(message, delay=delay)
        self.wake()
        return enqueued


def open_broker(url: str) -> WokenBroker:
    """A broker of its own database: its maintenance scans keys. A dead worker's messages come back within ~15 s.

    No middleware: events and due times are the retries, and every step keeps its own time limits.
    """
    client = redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=5, health_check_interval=15)
    return WokenBroker(client=client, middleware=[], maintenance_chance=100_000, heartbeat_timeout=15_000)


def message(ids: list[str]) -> dramatiq.Message[None]:
    return dramatiq.Message(queue_name=QUEUE, actor_name=ACTOR, args=(ids,), kwargs={}, options={})
