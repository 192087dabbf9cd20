"""Which waiting requests go down in one statement."""

from __future__ import annotations

from collections import deque
from typing import Protocol, TypeVar
from uuid import UUID

from event_store.types import AppendRequest, StreamGuard

# A statement of this size still ends well within its time-out on a slow disk.
MAX_BYTES = 4 * 1024 * 1024
# How many batches' worth of held-back requests to look past: a hot stream must not cost a scan each time.
_LOOK_AHEAD = 4


class Waiting(Protocol):
    @property
    def request(self) -> AppendRequest: ...


W = TypeVar("W", bound=Waiting)


def take_batch(waiting: deque[W], max_requests: int) -> list[W]:
    """Remove and return, oldest first, what may share a statement.

    No request goes with one that writes a stream it writes or guards: within a statement the second could not see the
    first. It is held back, and so is what touches its streams after it, so that a stream's requests keep their order.
    Guards alone may share a stream.
    """
    batch: list[W] = []
    held: list[W] = []
    written: set[UUID] = set()
    touched: set[UUID] = set()
    size = 0
    while waiting and len(batch) < max_requests and len(held) < _LOOK_AHEAD * max_requests:
        request = waiting[0].request
        if batch and size > MAX_BYTES:
            break
        writes = {event.stream_id for event in request.events}
        guards = {guard.stream_id for guard in request.guards if isinstance(guard, StreamGuard)}
        fits = touched.isdisjoint(writes) and written.isdisjoint(guards)
        (batch if fits else held).append(waiting.popleft())
        size += sum(len(event.state) for event in request.events) if fits else 0
        written |= writes
        touched |= writes | guards
    waiting.extendleft(reversed(held))
    return batch
