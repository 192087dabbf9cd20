"""The directory as this process knows it: read once, and kept up to date by its feed of the log.

Nothing here waits for a database once it is read: every request asks for its key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeGuard
from uuid import UUID

import structlog

from domain.directory import Account, Directory, Key
from domain.directory_events import DIRECTORY_TOPICS, DirectoryEvent
from event_store.errors import UnreadableEventError
from event_store.mapper import EventMapper
from event_store.read.log import Log
from event_store.types import PositionedEvent

# The feed looks every 75 ms where no wake-up comes.
_PATIENCE_S = 2.0

log = structlog.get_logger(__name__)


class KnownAccounts:
    """``follow`` is to be told of every event of the log from some position on, ``load`` called after that began.

    ``changed`` functions are called after each change, on the event loop; they never wait and never raise.
    """

    def __init__(self, log: Log, mapper: EventMapper) -> None:
        self._log = log
        self._mapper = mapper
        self._directory = Directory()
        self._position = 0
        self._loaded = False
        self._early: list[PositionedEvent] = []
        self._loading = asyncio.Lock()
        self._changed: dict[object, Callable[[], None]] = {}

    async def load(self) -> None:
        """Read it, once. Raises psycopg's errors, and ``UnreadableEventError``: then it is asked for again."""
        async with self._loading:
            if self._loaded:
                return
            self._take(await self._log.of_accounts(DIRECTORY_TOPICS))
            self._loaded = True
            self._take(self._early)
            self._early = []

    def follow(self, events: Sequence[PositionedEvent]) -> None:
        found = [event for event in events if event.topic in DIRECTORY_TOPICS]
        if not found:
            return
        if not self._loaded:
            self._early += found
            return
        # One by one: what comes after one that can't be read, a key's end, counts all the same.
        for event in found:
            try:
                self._take([event])
            except UnreadableEventError as newer:
                log.critical("an event of an account can't be read; end this process", error=str(newer))

    async def reached(self, position: int) -> bool:
        """Wait until the account's event at ``position`` is known here; False where that takes very long."""
        grown = asyncio.Event()
        stop = self.when_changed(grown.set)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while self._position < position:
                    grown.clear()
                    await grown.wait()
        except TimeoutError:
            return False
        finally:
            stop()
        return True

    def when_changed(self, call: Callable[[], None]) -> Callable[[], object]:
        """``call`` after each change; returns what ends that."""
        token = object()
        self._changed[token] = call
        return lambda: self._changed.pop(token, None)

    def key(self, key_hash: str, now: datetime) -> Key | None:
        """The valid key of that hash."""
        found = self._directory.by_hash(key_hash)
        return found if found is not None and found.is_valid(now) else None

    def valid(self, key_id: UUID, now: datetime) -> Key | None:
        """The key of that id, where it is valid."""
        found = self._directory.keys.get(key_id)
        return found if found is not None and found.is_valid(now) else None

    def account(self, account_id: UUID) -> Account | None:
        return self._directory.accounts.get(account_id)

    def named(self, name: str) -> Account | None:
        """Raises ``DomainError("invalid_account_name")``."""
        return self._directory.named(name)

    @property
    def accounts(self) -> list[Account]:
        return list(self._directory.accounts.values())

    @property
    def keys(self) -> list[Key]:
        return list(self._directory.keys.values())

    def has_valid_key(self, now: datetime) -> bool:
        return any(key.is_valid(now) for key in self._directory.keys.values())

    def _take(self, events: Sequence[PositionedEvent]) -> None:
        taken = False
        for event in events:
            if event.position <= self._position:
                continue
            self._directory.apply(event.stream_id, self._mapper.read(event, _is_directory_event))
            self._position = event.position
            taken = True
        if taken:
            for call in tuple(self._changed.values()):
                call()


def _is_directory_event(event: object) -> TypeGuard[DirectoryEvent]:
    return isinstance(event, DirectoryEvent)
