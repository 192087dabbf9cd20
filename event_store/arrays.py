"""PostgreSQL's binary arrays, written in one go.

psycopg looks for the type of each element and writes it by an object of its own; with fourteen arrays a statement that
takes as long as all the rest of it. The statement says of which type each is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from struct import Struct
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_BYTEA, _BIGINT, _INTEGER, _TEXT, _INSTANT, _UUID = 17, 20, 23, 25, 1184, 2950
# Dimensions, whether there are nulls, the elements' type; for the one dimension its length and its first index.
_EMPTY, _HEADER, _LENGTH = Struct("!iiI"), Struct("!iiIii"), Struct("!i")
_NULL, _4, _8, _16 = (_LENGTH.pack(length) for length in (-1, 4, 8, 16))
# What PostgreSQL counts microseconds from.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Array(bytes):
    """An array as the server reads it; the statement says of which type it is."""

    __slots__ = ()


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Array) -> bytes:
        return obj


psycopg.adapters.register_dumper(Array, _ArrayDumper)


def uuids(values: Sequence[UUID | None]) -> Array:
    # Not by the ids' own bytes and equality, which are Python.
    elements = [_NULL if value is None else _16 + value.int.to_bytes(16, "big") for value in values]
    return _array(_UUID, elements, nulls=_NULL in elements)


def bigints(values: Iterable[int]) -> Array:
    """Raises ``OverflowError`` for what is none."""
    return _array(_BIGINT, [_8 + value.to_bytes(8, "big", signed=True) for value in values])


def integers(values: Iterable[int]) -> Array:
    """Of four bytes. Raises ``OverflowError`` for what is none."""
    return _array(_INTEGER, [_4 + value.to_bytes(4, "big", signed=True) for value in values])


def instants(values: Iterable[datetime]) -> Array:
    """Of ``timestamptz``; the values have a time zone."""
    return _array(_INSTANT, [_8 + _microseconds(value).to_bytes(8, "big", signed=True) for value in values])


def texts(values: Iterable[str]) -> Array:
    return _array(_TEXT, [_sized(value.encode()) for value in values])


def blobs(values: Iterable[bytes]) -> Array:
    return _array(_BYTEA, [_sized(value) for value in values])


def _microseconds(value: datetime) -> int:
    since = value - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _sized(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value


def _array(oid: int, elements: Sequence[bytes], *, nulls: bool = False) -> Array:
    if not elements:
        return Array(_EMPTY.pack(0, 0, oid))
    return Array(_HEADER.pack(1, nulls, oid, len(elements), 1) + b"".join(elements))
