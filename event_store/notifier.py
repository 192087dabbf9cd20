"""Notifications over Valkey that the log has grown.

They save waiting, and nothing depends on them: tails poll as well.
"""

from __future__ import annotations

import asyncio
from weakref import WeakSet

import structlog
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

_FAILURES = Counter("surefill_notifier_failures", "Notifications that could not be sent, and subscriptions that broke")
_RECONNECT_AFTER = 0.5

log = structlog.get_logger()


class Notifier:
    """Publishes and receives notifications for one process. Every log has its own ``channel``."""

    def __init__(self, url: str, *, channel: str = "surefill:log") -> None:
        self._redis: Redis = Redis.from_url(url, socket_connect_timeout=1, health_check_interval=5)
        self._channel = channel
        self._due = asyncio.Event()
        self._heard: WeakSet[asyncio.Event] = WeakSet()
        self._publisher: asyncio.Task[None] | None = None
        self._listener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start publishing. Valkey need not be running yet."""
        self._publisher = asyncio.create_task(self._publish(), name="wake-publish")

    async def stop(self) -> None:
        for task in (self._publisher, self._listener):
            # The Redis client may swallow a cancellation while it connects: so it is repeated.
            while task is not None and not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=0.5)
        self._publisher = self._listener = None
        await self._redis.aclose()

    def publish(self) -> None:
        """Notify everybody that something was appended, as soon as Valkey can. Returns at once and never raises."""
        self._due.set()

    def subscribe(self) -> asyncio.Event:
        """An event that is set at each notification, from any process. The caller clears it.

        The subscription lasts as long as the caller keeps a reference to the event.
        """
        heard = asyncio.Event()
        self._heard.add(heard)
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen(), name="wake-listen")
        return heard

    async def _publish(self) -> None:
        while True:
            await self._due.wait()
            # One notification says as much as many: calls that come while it is sent share the next one.
            self._due.clear()
            try:
                async with asyncio.timeout(1):
                    await self._redis.publish(self._channel, b"")
            except (RedisError, OSError, TimeoutError):
                _FAILURES.inc()

    async def _listen(self) -> None:
        broken = False
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    await subscription.subscribe(self._channel)
                    while True:
                        message = await subscription.get_message(timeout=5)
                        if broken:
                            log.info("notifications are back")
                            broken = False
                        if message is not None:
                            for heard in self._heard:
                                heard.set()
            except (RedisError, OSError) as error:
                _FAILURES.inc()
                if not broken:
                    log.warning("no notifications: tails poll until Valkey is back", error=type(error).__name__)
                broken = True
                await asyncio.sleep(_RECONNECT_AFTER)
