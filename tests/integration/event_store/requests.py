"""Events and requests to append."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from event_store.types import AppendRequest, LeaseGuard, NewEvent, StreamGuard

ACCOUNT = UUID("00000000-0000-7000-8000-000000000001")


def event(stream: UUID, version: int = 1, **changed: Any) -> NewEvent:
    command = uuid4()
    values: dict[str, Any] = {
        "event_id": uuid4(),
        "topic": "test.Happened",
        "state": b'{"v":1,"data":{}}',
        "account_id": ACCOUNT,
        "command_id": command,
        "correlation_id": command,
        "causation_id": None,
    }
    return NewEvent(stream_id=stream, version=version, **(values | changed))


def request(*events: NewEvent, guards: tuple[StreamGuard | LeaseGuard, ...] = ()) -> AppendRequest:
    return AppendRequest(events, guards)


async def until(condition: Callable[[], object], within: float = 10) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)
