"""Dramatiq on Valkey: it carries hints, never facts. A hint is a stage and at most a hundred order ids."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

from workers.dispatch.next_work import Stage

# One for all stages: a queue costs two polling threads in each worker, idle or not.
QUEUE = "orders"
IDS_A_HINT = 100
# With this many hints waiting most orders that are due have one among them: another would be work for nothing.
BACKLOG = 20

StageRun = Callable[[Sequence[UUID]], Awaitable[None]]


def open_broker(url: str) -> RedisBroker:
    """A broker of its own database: its maintenance scans keys. Dead workers' hints come back within ~15 s.

    No middleware: events and due times are the retries, every stage keeps its own time limits.
    """
    client = redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=5, health_check_interval=15)
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=client, middleware=[], maintenance_chance=100_000, heartbeat_timeout=15_000
    )


class Hints:
    """The sending side. Raises ``RedisError`` where Valkey is unreachable: Dramatiq passes it through."""

    def __init__(self, broker: RedisBroker) -> None:
        self._broker = broker

    def send(self, due: Mapping[Stage, Sequence[UUID]]) -> None:
        for stage, order_ids in due.items():
            for start in range(0, len(order_ids), IDS_A_HINT):
                ids = [order_id.hex for order_id in order_ids[start : start + IDS_A_HINT]]
                message: dramatiq.Message[None] = dramatiq.Message(
                    queue_name=QUEUE, actor_name=stage, args=(ids,), kwargs={}, options={}
                )
                self._broker.enqueue(message)

    def queue_is_short(self) -> bool:
        """Whether the queue is short enough for orders to be hinted at again."""
        return int(str(self._broker.client.llen(f"{self._broker.namespace}:{QUEUE}"))) < BACKLOG


def declare_actors(broker: RedisBroker, runs: Mapping[Stage, StageRun], loop: asyncio.AbstractEventLoop) -> None:
    """One actor a stage. Dramatiq's threads take the messages; the work itself runs on ``loop``, a batch at once."""
    for stage, run in runs.items():
        _declare(broker, stage, run, loop)


def _declare(broker: RedisBroker, stage: Stage, run: StageRun, loop: asyncio.AbstractEventLoop) -> None:
    async def batch(order_ids: list[UUID]) -> None:
        await run(order_ids)

    def actor(ids: list[str]) -> None:
        asyncio.run_coroutine_threadsafe(batch([UUID(hex=text) for text in ids]), loop).result()

    dramatiq.actor(broker=broker, actor_name=stage, queue_name=QUEUE)(actor)
