"""Which work an event leads to. A function of the event's topic alone, so that any process may derive it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from msgspec import Struct

from domain import events as e

EXECUTE = "execute"
TRACK = "track"

# Whether the order is to be executed further after this event: quoted, built or sent. Else there is nothing to do until
# a price is met or the tracker learns what became of the attempt, or ever.
EXECUTED_AFTER: dict[str, bool] = {
    e.OrderSubmitted.TOPIC: False,
    e.StopTriggered.TOPIC: False,
    e.TrailMoved.TOPIC: False,
    e.OrderRested.TOPIC: False,
    e.OrderTriggered.TOPIC: True,
    e.OrderRouted.TOPIC: True,
    e.BuildRejected.TOPIC: True,
    e.TransactionBuilt.TOPIC: True,
    e.TransactionSubmitted.TOPIC: False,
    e.AttemptRejected.TOPIC: True,
    e.AttemptExpired.TOPIC: True,
    e.OrderConfirmed.TOPIC: False,
    e.OrderFailed.TOPIC: False,
    e.CancelRequested.TOPIC: True,
    e.OrderCancelled.TOPIC: False,
    e.OrderRestated.TOPIC: False,
    e.PaperFilled.TOPIC: False,
    e.OrderAmended.TOPIC: False,
    e.OrderReleased.TOPIC: False,
}
# After these an order is executed at once, by whoever appended them; after the others the visit itself goes on, or
# the order waits a while.
AT_ONCE = frozenset({e.OrderTriggered.TOPIC, e.CancelRequested.TOPIC})
SETBACKS = frozenset({e.BuildRejected.TOPIC, e.AttemptRejected.TOPIC, e.AttemptExpired.TOPIC})
# After a rejected build an earlier attempt may be in question again: the guard was taken.
TRACKED = frozenset({e.TransactionBuilt.TOPIC, e.TransactionSubmitted.TOPIC, e.BuildRejected.TOPIC})
OPEN_TOPICS = [topic for topic, executed in EXECUTED_AFTER.items() if executed or topic in TRACKED]


class NextWork(Struct, frozen=True, gc=False):
    """What an order's newest event asks for; ``setback`` work waits before it is tried again."""

    order_id: UUID
    version: int
    executed: bool
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
        if topic in EXECUTED_AFTER:
            moves[order_id] = NextWork(order_id, version, EXECUTED_AFTER[topic], topic in SETBACKS)
        if topic in TRACKED:
            tracked[order_id] = version
    return WorkBatch(tuple(moves.values()), tracked)
