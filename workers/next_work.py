"""Which work an event leads to. A function of the event's topic alone, so that any process may derive it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from domain import events as e
from event_store.types import RecordedEvent

Stage = Literal["route", "build", "submit"]
STAGES: tuple[Stage, ...] = ("route", "build", "submit")
TRACK = "track"

# None: nothing to do until the tracker learns what became of the attempt, or ever.
NEXT_STAGE: dict[str, Stage | None] = {
    e.OrderSubmitted.TOPIC: None,
    e.OrderTriggered.TOPIC: "route",
    e.OrderRouted.TOPIC: "build",
    e.BuildRejected.TOPIC: "route",
    e.TransactionBuilt.TOPIC: "submit",
    e.TransactionSubmitted.TOPIC: None,
    e.AttemptRejected.TOPIC: "route",
    e.AttemptExpired.TOPIC: "route",
    e.OrderConfirmed.TOPIC: None,
    e.OrderFailed.TOPIC: None,
}
SETBACKS = frozenset({e.BuildRejected.TOPIC, e.AttemptRejected.TOPIC, e.AttemptExpired.TOPIC})


@dataclass(frozen=True, slots=True)
class NextWork:
    """What an order's newest event asks for; ``setback`` work waits before it is tried again."""

    order_id: UUID
    version: int
    stage: Stage | None
    setback: bool


@dataclass(frozen=True, slots=True)
class Digest:
    """What a batch of events asks for: each order's next work, and the attempts that begin to be tracked."""

    moves: tuple[NextWork, ...]
    tracked: dict[UUID, int]


def digest(batch: Iterable[RecordedEvent]) -> Digest:
    """Reduce ``batch``, in order of position, to its last word on each order. Other streams' topics are passed over."""
    moves: dict[UUID, NextWork] = {}
    tracked: dict[UUID, int] = {}
    for event in batch:
        if event.topic in NEXT_STAGE:
            stage, setback = NEXT_STAGE[event.topic], event.topic in SETBACKS
            moves[event.stream_id] = NextWork(event.stream_id, event.version, stage, setback)
        if event.topic == e.TransactionBuilt.TOPIC:
            tracked[event.stream_id] = event.version
    return Digest(tuple(moves.values()), tracked)
