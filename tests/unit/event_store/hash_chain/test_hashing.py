from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from msgspec.structs import replace

from event_store.hash_chain.hashing import event_hash, log_hash
from event_store.types import InMemory, NewEvent

EVENT = NewEvent(*(UUID(int=1), 1, UUID(int=2), "t", b"s"), *(UUID(int=n) for n in (3, 4, 5)), None)


def test_the_hash_of_an_event_is_over_every_column_each_with_its_length() -> None:
    def uuid(n: int) -> bytes:
        return b"\0\0\0\x10" + n.to_bytes(16)

    preimage = (
        b"\0\0\0\x01\x01" + b"\0\0\0\0" + uuid(1) + b"\0\0\0\x08" + (1).to_bytes(8) + uuid(2)
        + b"\0\0\0\x01t" + b"\0\0\0\x01s" + uuid(3) + uuid(4) + uuid(5) + b"\xff\xff\xff\xff"
    )  # fmt: skip

    assert event_hash(EVENT, b"") == sha256(preimage).digest()


def test_no_column_can_change_without_the_hash() -> None:
    other = NewEvent(*(UUID(int=9), 9, UUID(int=9), "o", b"o"), *(UUID(int=9),) * 4)
    stored = [name for name in EVENT.__struct_fields__ if name not in InMemory.__struct_fields__]
    variants = [replace(EVENT, **{name: getattr(other, name)}) for name in stored]

    hashes = {event_hash(event, previous) for event in (EVENT, *variants) for previous in (b"", b"p" * 32)}

    assert len(hashes) == 2 * (1 + len(variants))


def test_bytes_cannot_move_from_one_column_to_the_next() -> None:
    assert event_hash(replace(EVENT, topic="ab", state=b"c"), b"") != event_hash(
        replace(EVENT, topic="a", state=b"bc"), b""
    )


def test_the_running_hash_holds_position_and_instant_to_the_microsecond() -> None:
    instant = datetime(2026, 1, 1, microsecond=1, tzinfo=UTC)
    hashes = {
        log_hash(previous, position, recorded_at, b"h")
        for previous in (b"", b"p")
        for position in (1, 2)
        for recorded_at in (instant, instant.replace(microsecond=2))
    }
    assert len(hashes) == 8
