"""Chooses which of the waiting requests are sent in one statement."""

from __future__ import annotations

from collections import deque
from typing import Protocol, TypeVar

from event_store.types import AppendRequest, StreamGuard

# A statement of this size ends well within its time-out, also on a slow disk.
MAX_BYTES = 4 * 1024 * 1024
# How far to look past requests that are held back, in batches: many requests for one stream must not make each call
# scan the whole queue.
_LOOK_AHEAD = 4


class Waiting(Protocol):
    @property
    def request(self) -> AppendRequest: ...


W = TypeVar("W", bound=Waiting)


def take_batch(waiting: deque[W], max_requests: int) -> list[W]:
    """Remove and return the requests that may share a statement, oldest first.

    A request that writes or guards a stream which another request of the statement writes is held back: within one
    statement it could not see what the other has written. Later requests for its streams are held back too, so that
    the requests for a stream keep their order. Requests that only guard a stream may share it.
    """
    batch: list[W] = []
    held: list[W] = []
    # Streams by the numbers that their ids are: an id itself is hashed in Python, and each is looked up several times.
    written: set[int] = set()
    touched: set[int] = set()
    size = 0
    while waiting and len(batch) < max_requests and len(held) < _LOOK_AHEAD * max_requests:
        request = waiting[0].request
        if batch and size > MAX_BYTES:
            break
        writes = {event.stream_id.int for event in request.events}
        guards = {guard.stream_id.int for guard in request.guards if isinstance(guard, StreamGuard)}
        fits = touched.isdisjoint(writes) and written.isdisjoint(guards)
        (batch if fits else held).append(waiting.popleft())
        size += sum(len(event.state) for event in request.events) if fits else 0
        written |= writes
        touched |= writes | guards
    waiting.extendleft(reversed(held))
    return batch
