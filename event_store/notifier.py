"""Wake-ups over Valkey between processes. None is ever needed: whoever waits looks by himself, and only later.

Four things are said: how far the log has come, that work was put into the queue, that somebody waits for a read model,
and that somebody waits for the wallet's history to be compared.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable
from typing import Literal, get_args

import structlog
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from event_store.valkey import open_valkey

_FAILURES = Counter("surefill_notifier_failures", "Wake-ups that could not be sent, and subscriptions that broke")
_RECONNECT_AFTER = 0.5
# Where no other process listens, what comes within this time is said together: one that begins to listen reads the log
# by itself first, and meanwhile hears so much later.
QUIET_S = 0.5

Subject = Literal["log", "work", "wanted", "history"]
SUBJECTS: tuple[Subject, ...] = get_args(Subject)
Hear = Callable[[int], None]

log = structlog.get_logger()


class Notifier:
    """Publishes and hears wake-ups for one process. Every wake-up carries a number, 0 where it has none to say.

    ``prefix`` names the channels: one set of them for each log.
    """

    def __init__(self, url: str, *, prefix: str = "surefill") -> None:
        self._redis: Redis = open_valkey(url, socket_connect_timeout=1, health_check_interval=5)
        self._prefix = prefix
        # By it one's own wake-ups are known, which were heard when they were published.
        self._own = secrets.token_hex(8)
        self._due = asyncio.Event()
        self._unsaid: dict[Subject, int] = {}
        self._reminded: dict[Subject, float] = {}
        self._saying = False
        self._listeners: dict[Subject, dict[object, Hear]] = {}
        self._publisher: asyncio.Task[None] | None = None
        self._listener: asyncio.Task[None] | None = None
        self.failures = 0
        self.subscribed = False
        """Whether wake-ups come now: while they don't, whoever waits for them looks more often."""

    async def start(self) -> None:
        """Begin; Valkey need not be there."""
        self._publisher = asyncio.create_task(self._publish(), name="notifier-publish")

    async def stop(self) -> None:
        for task in (self._publisher, self._listener):
            # A cancel that meets the client while it connects may be swallowed there: it is asked again.
            while task is not None and not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=0.5)
        self._publisher = self._listener = None
        self.subscribed = False
        await self._redis.aclose()

    def publish(self, subject: Subject, number: int = 0) -> None:
        """Say it to this process's listeners now, to the others' as soon as Valkey takes it; of several numbers the
        greatest. Returns at once and never raises.
        """
        self._hear(subject, number)
        self._unsaid[subject] = max(self._unsaid.get(subject, 0), number)
        self._due.set()

    def remind(self, subject: Subject, every: float = 1.0) -> None:
        """Say it once in ``every`` seconds, however many ask: for what who waits asks for until it is done."""
        now = time.monotonic()
        if now - self._reminded.get(subject, -math.inf) >= every:
            self._reminded[subject] = now
            self.publish(subject)

    async def said(self, patience: float = 1.0) -> None:
        """Return once what was published has been sent, or after ``patience`` seconds: for who ends right after."""
        try:
            async with asyncio.timeout(patience):
                while self._due.is_set() or self._unsaid or self._saying:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
        except TimeoutError:
            pass

    def listen(self, subject: Subject, hear: Hear) -> Callable[[], object]:
        """Call ``hear`` with the number of each wake-up, from any process, this one included; returns what ends that.

        It is called with 0 when a subscription begins, too: what was said before was not heard.
        """
        token = object()
        listeners = self._listeners.setdefault(subject, {})
        listeners[token] = hear
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen(), name="notifier-listen")
        return lambda: listeners.pop(token, None)

    async def _publish(self) -> None:
        while True:
            await self._due.wait()
            # One wake-up tells as much as many: what is said meanwhile goes with the next.
            self._due.clear()
            unsaid, self._unsaid = self._unsaid, {}
            self._saying = True
            heard = [await self._say(subject, number) for subject, number in unsaid.items()]
            self._saying = False
            if not any(heard):
                await asyncio.sleep(QUIET_S)

    async def _say(self, subject: Subject, number: int) -> bool:
        """Whether other processes heard it, or may have."""
        try:
            async with asyncio.timeout(1):
                listeners = await self._redis.publish(self._channel(subject), f"{number} {self._own}")
        except (RedisError, OSError, TimeoutError):
            self._count_failure()
            return True
        return int(listeners) > self.subscribed

    async def _listen(self) -> None:
        broken = False
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    subjects: dict[bytes, Subject] = {self._channel(one).encode(): one for one in SUBJECTS}
                    await subscription.subscribe(*subjects)
                    while True:
                        message = await subscription.get_message(timeout=5)
                        if broken:
                            log.info("wake-ups are back")
                            broken = False
                        if message is None:
                            continue
                        if message["type"] == "subscribe":
                            self.subscribed = True
                            self._hear(subjects[message["channel"]], 0)
                        elif message["type"] == "message":
                            number, sender = _said(message["data"])
                            if sender != self._own:
                                self._hear(subjects[message["channel"]], number)
            except (RedisError, OSError) as error:
                self.subscribed = False
                self._count_failure()
                if not broken:
                    log.warning("no wake-ups: readers poll until Valkey is back", error=type(error).__name__)
                broken = True
                await asyncio.sleep(_RECONNECT_AFTER)

    def _hear(self, subject: Subject, number: int) -> None:
        for hear in tuple(self._listeners.get(subject, {}).values()):
            hear(number)

    def _channel(self, subject: Subject) -> str:
        return f"{self._prefix}:{subject}"

    def _count_failure(self) -> None:
        self.failures += 1
        _FAILURES.inc()


def _said(data: bytes) -> tuple[int, str]:
    """The number that a wake-up carries, 0 where it carries none, and who sent it: an earlier version names nobody."""
    number, _, sender = data.decode(errors="replace").partition(" ")
    return int(number) if number.isascii() and number.isdigit() else 0, sender
