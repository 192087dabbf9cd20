"""Which work an event leads to. A function of the event's topic alone, so that any process may derive it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from domain import events as e

Stage = Literal["route", "build", "submit"]
STAGES: tuple[Stage, ...] = ("route", "build", "submit")
TRACK = "track"

# None: nothing to do until the tracker learns what became of the attempt, or ever.
NEXT_STAGE: dict[str, Stage | None] = {
    e.OrderSubmitted.TOPIC: None,
    e.StopTriggered.TOPIC: None,
    e.OrderRested.TOPIC: None,
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
TRACKED = frozenset({e.TransactionBuilt.TOPIC, e.TransactionSubmitted.TOPIC})
OPEN_TOPICS = [topic for topic, stage in NEXT_STAGE.items() if stage or topic in TRACKED]
SETBACKS = frozenset({e.BuildRejected.TOPIC, e.AttemptRejected.TOPIC, e.AttemptExpired.TOPIC})


@dataclass(frozen=True, slots=True)
class NextWork:
    """What an order's newest event asks for; ``setback`` work waits before it is tried again."""

    order_id: UUID
    version: int
    stage: Stage | None
    setback: bool


@dataclass(frozen=True, slots=True)
class WorkBatch:
    """What a batch of events asks for: each order's next work, and the attempts that begin to be tracked."""

    moves: tuple[NextWork, ...]
    tracked: dict[UUID, int]


def next_work_of(batch: Iterable[tuple[UUID, int, str]]) -> WorkBatch:
    """Reduce a batch of (stream, version, topic), each stream's in order, to its last word on each order.

    Other streams' topics are passed over.
    """
    moves: dict[UUID, NextWork] = {}
    tracked: dict[UUID, int] = {}
    for order_id, version, topic in batch:
        if topic in NEXT_STAGE:
            moves[order_id] = NextWork(order_id, version, NEXT_STAGE[topic], topic in SETBACKS)
        if topic in TRACKED:
            tracked[order_id] = version
    return WorkBatch(tuple(moves.values()), tracked)
