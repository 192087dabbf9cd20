"""The two append statements: requests as their parameters, their rows as outcomes.

The straight one stores all its requests or none, and costs half as much; the full one tells each request its outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from event_store.arrays import Array, bigints, blobs, texts, uuids
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
APPEND_STRAIGHT = statement(__file__, "append_straight")


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
        [event.previous_id for _, event in events],
        [i for i, _ in streams],
        [guard.stream_id for _, guard in streams],
        [guard.version for _, guard in streams],
        [i for i, _ in leases],
        [guard.processor for _, guard in leases],
        [guard.epoch for _, guard in leases],
    ]


def straight_parameters(requests: Sequence[AppendRequest]) -> list[Array]:
    """The same arrays without the numbers of the requests: all of them are stored, or none is."""
    events = [event for request in requests for event in request.events]
    streams = [guard for request in requests for guard in request.guards if isinstance(guard, StreamGuard)]
    leases = [guard for request in requests for guard in request.guards if isinstance(guard, LeaseGuard)]
    return [
        uuids([event.stream_id for event in events]),
        bigints([event.version for event in events]),
        uuids([event.event_id for event in events]),
        texts([event.topic for event in events]),
        blobs([event.state for event in events]),
        uuids([event.account_id for event in events]),
        uuids([event.command_id for event in events]),
        uuids([event.correlation_id for event in events]),
        uuids([event.causation_id for event in events]),
        uuids([event.previous_id for event in events]),
        uuids([guard.stream_id for guard in streams]),
        bigints([guard.version for guard in streams]),
        texts([guard.processor for guard in leases]),
        bigints([guard.epoch for guard in leases]),
    ]


def straight_outcomes(row: tuple[Any, ...], requests: Sequence[AppendRequest]) -> list[Outcome] | None:
    """Where each request was stored; None where the straight statement stored nothing."""
    last, recorded_at = row
    if last is None:
        return None
    position = last - sum(len(request.events) for request in requests)
    stored: list[Outcome] = []
    for request in requests:
        position += len(request.events)
        stored.append(Stored(position, recorded_at))
    return stored


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
