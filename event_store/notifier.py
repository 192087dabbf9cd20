"""Hints over Valkey that the log has grown. None is ever needed: tails poll, and only wait less with them."""

from __future__ import annotations

import asyncio
from weakref import WeakSet

import structlog
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

_FAILURES = Counter("surefill_notifier_failures", "Wake-ups that could not be sent, and subscriptions that broke")
_RECONNECT_AFTER = 0.5

log = structlog.get_logger()


class Notifier:
    """Publishes and hears wake-ups for one process; ``channel`` is one a log."""

    def __init__(self, url: str, *, channel: str = "surefill:log") -> None:
        self._redis: Redis = Redis.from_url(url, socket_connect_timeout=1, health_check_interval=5)
        self._channel = channel
        self._due = asyncio.Event()
        self._heard: WeakSet[asyncio.Event] = WeakSet()
        self._publisher: asyncio.Task[None] | None = None
        self._listener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; Valkey need not be there."""
        self._publisher = asyncio.create_task(self._publish(), name="wake-publish")

    async def stop(self) -> None:
        for task in (self._publisher, self._listener):
            # A cancel that meets the client while it connects may be swallowed there: it is asked again.
            while task is not None and not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=0.5)
        self._publisher = self._listener = None
        await self._redis.aclose()

    def publish(self) -> None:
        """Say, as soon as Valkey takes it, that something was appended. Returns at once and never raises."""
        self._due.set()

    def subscribe(self) -> asyncio.Event:
        """Set at each wake-up, from any process; the caller clears it, and it is heard while the caller holds it."""
        heard = asyncio.Event()
        self._heard.add(heard)
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen(), name="wake-listen")
        return heard

    async def _publish(self) -> None:
        while True:
            await self._due.wait()
            # One hint tells as much as many: what was published meanwhile goes with the next.
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
                            log.info("wake-ups are back")
                            broken = False
                        if message is not None:
                            for heard in self._heard:
                                heard.set()
            except (RedisError, OSError) as error:
                _FAILURES.inc()
                if not broken:
                    log.warning("no wake-ups: tails poll until Valkey is back", error=type(error).__name__)
                broken = True
                await asyncio.sleep(_RECONNECT_AFTER)
