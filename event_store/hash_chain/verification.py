"""Verifies the log's hashes. Pure functions: rows in, findings out.

A broken hash within a stream names its event. The running hash of the log also covers the order and the time of events,
but only its last value is stored, at the head: where it alone is wrong, the change lies somewhere between the last
position known to be good and the head.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from event_store.hash_chain.hashing import event_hash, log_hash
from event_store.read.snapshot import Head, Link
from event_store.types import RecordedEvent

Verdict = Literal["differs", "unchecked", "pending", "acknowledged"]
Check = Literal["log", "streams", "read models", "chain"]

RESTORE = "Restore the log from a backup taken before it; the events themselves are never repaired."


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, could not be checked or isn't decided yet: what, where, and what to do about it."""

    check: Check
    verdict: Verdict
    what: str
    remedy: str
    stream_id: UUID | None = None
    version: int | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class LogCheckpoint:
    """The running hash after ``position``, and after position 1, which tells this log from any other."""

    position: int
    hash: bytes
    genesis_hash: bytes
    streams: int


def log_checkpoint(links: Iterable[Link], streams: int) -> LogCheckpoint:
    """The checkpoint after ``links``, which are all from position 1 on; at position 0 where there are none."""
    position, hash_, genesis = 0, b"", b""
    for link in links:
        if link.recorded_at is None:
            raise ValueError(f"position {link.position} was recorded at no instant")
        position, hash_ = link.position, log_hash(hash_, link.position, link.recorded_at, link.hash)
        genesis = genesis or hash_
    return LogCheckpoint(position, hash_, genesis, streams)


def verify_positions(links: Iterable[Link], head: Head, checkpoint: LogCheckpoint | None = None) -> Iterator[Finding]:
    """Positions 1..head without a gap, time that never goes back, one running hash from the first event to the head.

    With a checkpoint: the running hash at its position is the one it holds. Each broken place gives one finding.
    """
    position, running = 0, b""
    latest: datetime | None = None
    good = 0
    for link in links:
        if link.position != position + 1:
            yield _log(_missing(position + 1, link.position - 1), RESTORE, position + 1)
        if link.recorded_at is None:
            yield _log("its recorded_at is no instant", RESTORE, link.position)
        else:
            if latest is not None and link.recorded_at < latest:
                yield _log(
                    f"recorded at {link.recorded_at.isoformat()}, before the event ahead of it in the log",
                    RESTORE,
                    link.position,
                )
            latest = link.recorded_at
            running = log_hash(running, link.position, link.recorded_at, link.hash)
        if link.position == 1 and checkpoint and running != checkpoint.genesis_hash:
            yield _log("the first event is not that of the checkpoint's log: another log, or a changed one", RESTORE, 1)
        if checkpoint and link.position == checkpoint.position:
            if running == checkpoint.hash:
                good = checkpoint.position
            else:
                what = "an event at or before this position was changed, added or removed since the checkpoint"
                yield _log(what, RESTORE, link.position)
        position = link.position
    if checkpoint and position < checkpoint.position:
        yield _log(f"the log ends here; the checkpoint was taken at position {checkpoint.position}", RESTORE, position)
    yield from _verify_head(head, position, latest, running, good)


def _verify_head(head: Head, position: int, latest: datetime | None, running: bytes, good: int) -> Iterator[Finding]:
    if head.position != position:
        what = f"log_head stands at position {head.position}, the last event at {position}: "
        yield _log(what + ("events were removed" if position < head.position else "log_head was changed"), RESTORE)
    elif head.hash != running:
        what = (
            f"the running hash of log_head is not that of the events: log_head, or between positions {good + 1} and "
            f"{position} an order, an instant or a hash, was changed"
        )
        yield _log(what, RESTORE, position)
    elif latest is not None and head.recorded_at != latest:
        yield _log("log_head's recorded_at is not that of the last event", RESTORE, position)


def verify_stream(events: Sequence[RecordedEvent]) -> Iterator[Finding]:
    """A stream's versions follow one another, later ones at later positions, each hash that of its columns."""
    previous: RecordedEvent | None = None
    for event in events:
        # Streams that the eventsourcing library writes begin at version 0.
        expected = previous.version + 1 if previous else min(event.version, 1)
        if event.version != expected:
            yield _stream(event, _missing(expected, event.version - 1, "version"), version=expected)
        elif event_hash(event, previous.hash if previous else b"") != event.hash:
            yield _stream(event, "its columns do not give its hash: this event was changed, or the hash before it")
        if previous and event.position <= previous.position:
            yield _stream(event, f"its position comes before that of version {previous.version}")
        previous = event


def _missing(first: int, last: int, noun: str = "position") -> str:
    return f"{noun} {first} is missing" if first == last else f"{noun}s {first} to {last} are missing"


def _log(what: str, remedy: str, position: int | None = None) -> Finding:
    return Finding("log", "differs", what, remedy, position=position)


def _stream(event: RecordedEvent, what: str, version: int | None = None) -> Finding:
    at = event.version if version is None else version
    position = event.position if version is None else None
    return Finding("streams", "differs", what, RESTORE, event.stream_id, at, position)
