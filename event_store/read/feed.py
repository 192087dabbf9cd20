"""The end of the log in memory, one for each process: what the process appends itself it never reads again.

Positions are gapless, so the feed knows whether anything is missing between what it holds and what it is handed; only
what other processes appended is read from PostgreSQL. Every reader has a position of its own and takes what comes
after it: from memory where that reaches so far back, else from the log.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID
from weakref import WeakSet

import psycopg
import structlog
from prometheus_client import Counter, Gauge
from psycopg_pool import PoolClosed

from event_store.notifier import Notifier
from event_store.types import PositionedEvent

_POSITION = Gauge("surefill_feed_position", "Position up to which this process knows the log.")
_FED = Counter("surefill_feed_events_total", "Events that came into the feed, by where from.", ["source"])
_OWN, _FROM_LOG = _FED.labels("own"), _FED.labels("log")

# An event takes 2 to 5 KB with what it was decoded to: a busy second's worth, for readers that pause.
KEPT = 8_000
BATCH = 1_000
# While wake-ups come from Valkey nobody has to look; without them this is how late another process's events are.
POLL_S, POLL_ALONE_S = 1.0, 0.075
RETRY_S = 0.2

log = structlog.get_logger()

ReadLog = Callable[[int, int], Awaitable[Sequence[PositionedEvent]]]
"""``Log.read``: the events after a position, at most so many."""


class LogFeed:
    """Run it once, for the life of the process. ``position`` is that of the last event it knows.

    ``healthy`` is False while PostgreSQL can't be read.
    """

    def __init__(self, read: ReadLog, head: Callable[[], Awaitable[int]], notifier: Notifier | None = None) -> None:
        self.position = 0
        self.healthy = True
        self._read_log = read
        self._head = head
        self._notifier = notifier
        self._kept: deque[PositionedEvent] = deque()
        # By the numbers that the streams' ids are: an id itself is hashed in Python.
        self._streams: dict[int, list[PositionedEvent]] = {}
        self._ahead: dict[int, PositionedEvent] = {}
        self._begun = asyncio.Event()
        self._missing = asyncio.Event()
        self._readers: WeakSet[asyncio.Event] = WeakSet()
        self._followers: list[Callable[[Sequence[PositionedEvent]], None]] = []

    async def run(self) -> None:
        """Begin at the log's head and follow it through every refusal of PostgreSQL.

        Ends by cancellation, or by a hole in the log (PositionGapError).
        """
        if self._notifier is not None:
            self._notifier.listen("log", self._hear)
        while not self._begun.is_set():
            try:
                self.position = await self._head()
            except PoolClosed:
                raise
            except psycopg.Error as error:
                self._is_healthy(error)
                await asyncio.sleep(RETRY_S)
            else:
                self._begun.set()
                self._missing.set()
                self._wake_readers()
        while True:
            # Before the read: what is heard of during it is for the next.
            self._missing.clear()
            if not await self._read():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll()):
                        await self._missing.wait()

    async def begun(self) -> int:
        """Wait until the feed knows where the log ends; that position."""
        await self._begun.wait()
        return self.position

    def offer(self, events: Sequence[PositionedEvent]) -> None:
        """What this process has just stored, in the order of its positions. Never waits and never raises.

        Another process may have stored something between them: of a statement with a malformed request halves are sent.
        """
        first, last = events[0].position, events[-1].position
        if not self._begun.is_set() or first > self.position + 1 or last - first >= len(events):
            self._ahead.update((event.position, event) for event in events)
            self._missing.set()
            return
        self._take([event for event in events if event.position > self.position], _OWN)

    async def read(self, after: int, limit: int = BATCH) -> Sequence[PositionedEvent]:
        """The events after ``after``; from PostgreSQL, and with its errors, where memory doesn't reach back."""
        if after >= self.position:
            return []
        first = self._kept[0].position if self._kept else self.position + 1
        if after + 1 < first:
            # Not past the feed: who follows it hears of an event before any reader does.
            return [event for event in await self._read_log(after, limit) if event.position <= self.position]
        start = after + 1 - first
        # By index, which a deque finds from its nearer end: who reads is nearly always close to the newest.
        return [self._kept[at] for at in range(start, min(start + limit, len(self._kept)))]

    def recent(self, stream_id: UUID) -> Sequence[PositionedEvent]:
        """The stream's events as far as the feed knows the log; none where its first is not in memory."""
        return tuple(self._streams.get(stream_id.int, ()))

    def subscribe(self) -> asyncio.Event:
        """Set whenever the feed has grown; the caller clears it, and it is set while the caller holds it."""
        grown = asyncio.Event()
        self._readers.add(grown)
        return grown

    def follow(self, take: Callable[[Sequence[PositionedEvent]], None]) -> None:
        """Hand ``take`` all events from here on, in the order of the log; it never waits and never raises."""
        self._followers.append(take)

    def _take(self, events: Sequence[PositionedEvent], fed: Counter) -> None:
        if not events:
            return
        fed.inc(len(events))
        self.position = events[-1].position
        events = [*events, *self._take_ahead()] if self._ahead else events
        self._keep(events)
        _POSITION.set(self.position)
        # Those who keep states in memory first: a reader that is woken finds them up to date.
        for take in self._followers:
            take(events)
        self._wake_readers()

    def _wake_readers(self) -> None:
        for grown in self._readers:
            grown.set()

    def _keep(self, events: Sequence[PositionedEvent]) -> None:
        self._kept.extend(events)
        streams = self._streams
        for event in events:
            number = event.stream_id.int
            if event.version == 1:
                streams[number] = [event]
            elif stream := streams.get(number):
                stream.append(event)
        for _ in range(len(self._kept) - KEPT):
            # Its first event goes first: from then on the stream is not whole.
            streams.pop(self._kept.popleft().stream_id.int, None)

    def _take_ahead(self) -> list[PositionedEvent]:
        """What was handed in early and follows now; what the log itself has given meanwhile is dropped."""
        following: list[PositionedEvent] = []
        while event := self._ahead.pop(self.position + 1, None):
            following.append(event)
            self.position = event.position
        for position in [known for known in self._ahead if known <= self.position]:
            del self._ahead[position]
        return following

    def _hear(self, position: int) -> None:
        if position == 0 or position > self.position:
            self._missing.set()

    async def _read(self) -> bool:
        """Take what the log has after the feed's position; whether there was anything."""
        try:
            found = await self._read_log(self.position, BATCH)
        except PoolClosed:
            raise
        except psycopg.Error as error:
            self._is_healthy(error)
            return False
        self._is_healthy(None)
        self._take([event for event in found if event.position > self.position], _FROM_LOG)
        return bool(found)

    def _poll(self) -> float:
        if not self.healthy:
            return RETRY_S
        return POLL_S if self._notifier is not None and self._notifier.subscribed else POLL_ALONE_S

    def _is_healthy(self, error: Exception | None) -> None:
        if error and self.healthy:
            log.warning("the log cannot be read; trying on", position=self.position, error=type(error).__name__)
        elif not error and not self.healthy:
            log.info("the log can be read again", position=self.position)
        self.healthy = error is None
