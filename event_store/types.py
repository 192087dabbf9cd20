"""The values that the log takes and gives: events, requests to append them, and the outcomes of a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from msgspec import Struct

# What each event needs is msgspec's structs: a frozen dataclass of so many fields takes ten times as long to make.
# They refer to nothing that refers to them, so the garbage collector needn't look at them (gc=False).


class LastFold(Struct, gc=False):
    """The last fold of an event: the function, the state before, the state after. Set as one, read by any thread."""

    done: tuple[object, object, object] | None = None


class InMemory(Struct, frozen=True, kw_only=True, gc=False):
    """What a process keeps with an event and never stores."""

    decoded: object = None
    """What ``state`` was made from, for readers of the same process."""
    previous_id: UUID | None = None
    """The stream's event before this one as its writer knows it, compared when it is appended; None: only the version
    is compared.
    """
    last_fold: LastFold | None = None
    """With an event in its place: what it led to, for the next reader that folds the same state."""


class NewEvent(InMemory, frozen=True, gc=False):
    """An event to append: version is 1 for the first of its stream; state is bytes the log never reads."""

    stream_id: UUID
    version: int
    event_id: UUID
    topic: str
    state: bytes
    account_id: UUID
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None


class PositionedEvent(NewEvent, frozen=True, gc=False):
    """An event in its place: position is gapless over the whole log, recorded_at is UTC and never goes back."""

    position: int
    recorded_at: datetime


class RecordedEvent(PositionedEvent, frozen=True, gc=False):
    """An event as the log holds it."""

    hash: bytes


class Positioned(Protocol):
    """Anything that has a position in the log: a recorded event or its header."""

    @property
    def position(self) -> int: ...


@dataclass(frozen=True, slots=True)
class EventHeader:
    """A recorded event without its data, for readers that only need to know what kind of event each stream has got."""

    stream_id: UUID
    version: int
    topic: str
    position: int


class StreamGuard(Struct, frozen=True, gc=False):
    """Holds while the stream's last version is ``version``; 0 = there is no such stream."""

    stream_id: UUID
    version: int


class LeaseGuard(Struct, frozen=True, gc=False):
    """Holds while the processor's lease has this epoch and has not run out, by the database's clock."""

    processor: str
    epoch: int


class AppendRequest(Struct, frozen=True, gc=False):
    """Events to store, all of them or none, in one stream or several.

    ``guards`` are conditions that must hold at the moment of storing; they write nothing.
    """

    events: tuple[NewEvent, ...]
    guards: tuple[StreamGuard | LeaseGuard, ...] = ()

    def __post_init__(self) -> None:
        if not self.events:
            raise ValueError("a request without events")


@dataclass(frozen=True, slots=True)
class Stored:
    """The request is in the log; position is that of its last event, ``recorded_at`` its time where it is known."""

    position: int
    recorded_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class AlreadyStored:
    """Every event of the request is in the log already, under the same event id: an earlier send of it succeeded."""

    position: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """Nothing was stored: a stream it writes or guards is at version ``current``, not where the request expects it."""

    stream_id: UUID
    current: int


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """Nothing was stored: the processor's lease ran out or went to another epoch."""

    processor: str


Outcome = Stored | AlreadyStored | Conflict | LeaseLost
