"""The log's two hash chains in Python: anyone who has the rows can compute again what the database wrote.

The same as ``schema/migrations/log/0002_hashes.sql``. Each part is preceded by its length: 4 bytes, big endian, -1 for
null.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from event_store.types import NewEvent

ALGORITHM = b"\x01"
_NULL = (-1).to_bytes(4, signed=True)

_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def event_hash(event: NewEvent, previous: bytes) -> bytes:
    """The hash of an event; ``previous`` is that of the event before it in its stream, empty for the first."""
    return _digest(
        ALGORITHM,
        previous,
        event.stream_id.bytes,
        _int8(event.version),
        event.event_id.bytes,
        event.topic.encode(),
        event.state,
        event.account_id.bytes,
        event.command_id.bytes,
        event.correlation_id.bytes,
        None if event.causation_id is None else event.causation_id.bytes,
    )


def log_hash(previous: bytes, position: int, recorded_at: datetime, hash_: bytes) -> bytes:
    """The log's running hash after an event; ``previous`` is that before it, empty for position 1."""
    microseconds = (recorded_at - _POSTGRES_EPOCH) // timedelta(microseconds=1)
    return _digest(ALGORITHM, previous, _int8(position), _int8(microseconds), hash_)


def _digest(*parts: bytes | None) -> bytes:
    # One call to sha256 for all parts: a verification hashes a million events.
    framed = [_NULL if part is None else len(part).to_bytes(4) + part for part in parts]
    return sha256(b"".join(framed)).digest()


def _int8(value: int) -> bytes:
    return value.to_bytes(8, signed=True)
