"""One call for all who want the same thing at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SingleFlight(Generic[Key, Value]):
    """Who asks for a key that is on its way waits for that answer, be it a value or an error.

    A waiter that is cancelled takes nothing from the others.
    """

    def __init__(self) -> None:
        self._flying: dict[Key, asyncio.Task[Value]] = {}

    async def run(self, key: Key, call: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        task = self._flying.get(key)
        if task is None:
            task = self._flying[key] = asyncio.create_task(call())
            task.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(task)

    def _landed(self, key: Key, done: asyncio.Task[Value]) -> None:
        del self._flying[key]
        # Marks an error as seen: each waiter raises it, and there may be none left.
        _ = done.cancelled() or done.exception()
