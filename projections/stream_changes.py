"""Tells whoever waits for it that streams of the log have grown: which ones, not by what."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from event_store.types import PositionedEvent


class Changed:
    """The streams that have grown since ``next`` was asked last."""

    def __init__(self) -> None:
        self._ids: set[UUID] = set()
        self._grown = asyncio.Event()

    def add(self, stream_id: UUID) -> None:
        self._ids.add(stream_id)
        self._grown.set()

    async def next(self) -> set[UUID]:
        """Waits until there is one."""
        await self._grown.wait()
        self._grown.clear()
        found, self._ids = self._ids, set()
        return found


class StreamChanges:
    """``follow`` is to be told of every event of the log from some position on."""

    def __init__(self) -> None:
        # By the numbers that the streams' ids are: an id itself is hashed in Python.
        self._watched: dict[int, set[Changed]] = {}

    def follow(self, events: Sequence[PositionedEvent]) -> None:
        # Where nobody watches, nobody is looked for.
        for event in events if self._watched else ():
            for changed in self._watched.get(event.stream_id.int, ()):
                changed.add(event.stream_id)

    @contextmanager
    def watch(self, stream_ids: Iterable[UUID]) -> Iterator[Changed]:
        """What becomes of those streams from here on."""
        changed, numbers = Changed(), [stream_id.int for stream_id in stream_ids]
        for number in numbers:
            self._watched.setdefault(number, set()).add(changed)
        try:
            yield changed
        finally:
            for number in numbers:
                self._watched[number].discard(changed)
                if not self._watched[number]:
                    del self._watched[number]
