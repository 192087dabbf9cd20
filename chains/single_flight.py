"""Callers that ask for the same key at the same time share one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SingleFlight(Generic[Key, Value]):
    """A caller whose key is being asked for already waits for that answer, be it a value or an error.

    Cancelling one caller doesn't cancel the call for the others.
    """

    def __init__(self) -> None:
        self._running: dict[Key, asyncio.Task[Value]] = {}

    async def run(self, key: Key, call: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(call())
            task.add_done_callback(lambda done: self._finished(key, done))
        return await asyncio.shield(task)

    def _finished(self, key: Key, done: asyncio.Task[Value]) -> None:
        del self._running[key]
        # Marks an error as seen: each waiter raises it, and there may be none left.
        _ = done.cancelled() or done.exception()
