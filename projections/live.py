"""The live feed of one process: one tail of the log, fanned out to whoever follows an order.

It needs neither projector nor Valkey: without a wake the tail polls. While PostgreSQL is unreachable the tail
waits, and goes on from its position.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import structlog

from event_store.errors import PositionGapError
from event_store.read.feed import LogFeed
from event_store.read.tail import Tail
from event_store.types import PositionedEvent
from projections.errors import FeedStoppedError, SlowConsumerError
from projections.metrics import LIVE_POSITION, SUBSCRIPTIONS, TOO_SLOW

log = structlog.get_logger(__name__)

BATCH = 1_000


class Subscription:
    """One order's events as the tail meets them; what was recorded before is in the stream, and is read after this."""

    def __init__(self, capacity: int) -> None:
        self._waiting: deque[PositionedEvent] = deque()
        self._capacity = capacity
        self._changed = asyncio.Event()
        self._why: Exception | None = None

    def offer(self, event: PositionedEvent) -> None:
        """Never waits: one slow subscriber must not hold up the others."""
        if len(self._waiting) >= self._capacity:
            TOO_SLOW.inc()
            self.end(SlowConsumerError())
            return
        self._waiting.append(event)
        self._changed.set()

    def end(self, why: Exception) -> None:
        self._why = self._why or why
        self._changed.set()

    async def above(self, version: int) -> AsyncIterator[PositionedEvent]:
        """Every event above ``version``, in order, for ever; raises why the subscription ended."""
        while True:
            event = await self._next()
            if event.version <= version:
                continue
            if event.version != version + 1:
                raise PositionGapError(f"version {event.version} came after {version}")
            version = event.version
            yield event

    async def _next(self) -> PositionedEvent:
        while True:
            if self._why:
                raise self._why
            if self._waiting:
                return self._waiting.popleft()
            self._changed.clear()
            await self._changed.wait()


class LiveFeed:
    """``run`` is the tail, for the life of the process; ``capacity`` is how many events may wait for a subscriber."""

    def __init__(self, feed: LogFeed, *, capacity: int = 256, patience: float = 2.0) -> None:
        self._feed = feed
        self._capacity = capacity
        self._patience = patience
        self._begun = asyncio.Event()
        self._subscriptions: dict[UUID, set[Subscription]] = {}

    @property
    def running(self) -> bool:
        return self._begun.is_set()

    async def run(self) -> None:
        """From the log's head at start. Ends only by cancellation, or by a log that isn't contiguous."""
        after = await self._feed.begun()
        # What is committed from here on comes by the tail, so whoever subscribes now and then reads misses nothing.
        self._begun.set()
        LIVE_POSITION.set(after)
        try:
            async for batch in Tail(self._feed.read, after, limit=BATCH, wakes=self._feed):
                for event in batch:
                    for subscription in self._subscriptions.get(event.stream_id, ()):
                        subscription.offer(event)
                LIVE_POSITION.set(batch[-1].position)
        finally:
            self._begun.clear()
            for subscribed in self._subscriptions.values():
                for subscription in subscribed:
                    subscription.end(FeedStoppedError())

    def recent(self, order_id: UUID) -> Sequence[PositionedEvent]:
        """The order's events as far as this process knows the log, without asking it; none where it must be asked."""
        return self._feed.recent(order_id)

    @asynccontextmanager
    async def subscribe(self, order_id: UUID) -> AsyncIterator[Subscription]:
        """Subscribe first, then read the stream, then take what is ``above`` it: nothing missing, nothing twice."""
        try:
            await asyncio.wait_for(self._begun.wait(), self._patience)
        except TimeoutError:
            raise FeedStoppedError from None
        subscription = Subscription(self._capacity)
        self._subscriptions.setdefault(order_id, set()).add(subscription)
        SUBSCRIPTIONS.inc()
        try:
            yield subscription
        finally:
            SUBSCRIPTIONS.dec()
            subscribed = self._subscriptions[order_id]
            subscribed.discard(subscription)
            if not subscribed:
                del self._subscriptions[order_id]
