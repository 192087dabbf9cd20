"""A stream lives no longer than the key it was opened with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from api.callers.caller import Caller
from api.services import Services

# A key without an end, or one that lasts for longer, is looked at again after so many seconds.
_LONGEST_S = 3_600.0


@asynccontextmanager
async def watched(services: Services, caller: Caller, ended: Callable[[], None]) -> AsyncIterator[None]:
    """Call ``ended`` once the caller's key is no longer valid: with the event that revokes it, or at its time."""
    if caller.key_id is None:
        yield
        return
    watch = _Watch(services, caller, ended)
    stop = services.accounts.when_changed(watch.look)
    try:
        watch.look()
        yield
    finally:
        stop()
        watch.stop()


class _Watch:
    def __init__(self, services: Services, caller: Caller, ended: Callable[[], None]) -> None:
        self._services = services
        self._caller = caller
        self._ended = ended
        self._timer: asyncio.TimerHandle | None = None

    def look(self) -> None:
        self.stop()
        key_id, now = self._caller.key_id, self._services.clock()
        key = self._services.accounts.valid(key_id, now) if key_id else None
        if key is None:
            self._ended()
        elif key.expires_at is not None:
            # A moment later than its end: a timer may come early.
            left = (key.expires_at - now).total_seconds() + 0.01
            self._timer = asyncio.get_running_loop().call_later(min(left, _LONGEST_S), self.look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
