"""The append statement: requests as its parameters, its rows as outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from event_store.statements import statement
from event_store.types import (
    AlreadyStored,
    AppendRequest,
    Conflict,
    LeaseGuard,
    LeaseLost,
    Outcome,
    Stored,
    StreamGuard,
)

APPEND = statement(__file__, "append")


def parameters(requests: Sequence[AppendRequest]) -> list[list[object]]:
    """Parallel arrays of the events, the stream guards and the lease guards; the first of each numbers its request."""
    events = [(i, event) for i, request in enumerate(requests) for event in request.events]
    streams = [(i, g) for i, request in enumerate(requests) for g in request.guards if isinstance(g, StreamGuard)]
    leases = [(i, g) for i, request in enumerate(requests) for g in request.guards if isinstance(g, LeaseGuard)]
    return [
        [i for i, _ in events],
        [event.stream_id for _, event in events],
        [event.version for _, event in events],
        [event.event_id for _, event in events],
        [event.topic for _, event in events],
        [event.state for _, event in events],
        [event.account_id for _, event in events],
        [event.command_id for _, event in events],
        [event.correlation_id for _, event in events],
        [event.causation_id for _, event in events],
        [i for i, _ in streams],
        [guard.stream_id for _, guard in streams],
        [guard.version for _, guard in streams],
        [i for i, _ in leases],
        [guard.processor for _, guard in leases],
        [guard.epoch for _, guard in leases],
    ]


def outcomes(rows: Sequence[tuple[Any, ...]], requests: Sequence[AppendRequest]) -> list[Outcome]:
    """The outcome of each request, in order."""
    if [row[0] for row in rows] != list(range(len(requests))):
        raise RuntimeError("append answered for other requests than were sent")
    return [_outcome(*row[1:]) for row in rows]


def _outcome(kind: str, position: int, stream_id: Any, current: int, processor: str) -> Outcome:
    match kind:
        case "stored":
            return Stored(position)
        case "already":
            return AlreadyStored(position)
        case "conflict":
            return Conflict(stream_id, current)
        case "lease_lost":
            return LeaseLost(processor)
    raise RuntimeError(f"append answered {kind!r}")
