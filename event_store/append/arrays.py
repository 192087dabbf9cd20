"""PostgreSQL's binary arrays, written in one go.

psycopg looks for the type of each element and writes it by an object of its own; with fourteen arrays a statement that
takes as long as all the rest of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_BYTEA, _BIGINT, _TEXT, _UUID = 17, 20, 25, 2950
# Dimensions, whether there are nulls, the elements' type; for the one dimension its length and its first index.
_EMPTY, _HEADER, _LENGTH = Struct("!iiI"), Struct("!iiIii"), Struct("!i")
_NULL, _8, _16 = (_LENGTH.pack(length) for length in (-1, 8, 16))


class Array(bytes):
    """An array as the server reads it; the statement says of which type it is."""

    __slots__ = ()


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Array) -> bytes:
        return obj


psycopg.adapters.register_dumper(Array, _ArrayDumper)


def uuids(values: Sequence[UUID | None]) -> Array:
    return _array(_UUID, [_NULL if value is None else _16 + value.bytes for value in values], nulls=None in values)


def bigints(values: Iterable[int]) -> Array:
    """Raises ``OverflowError`` for what is none."""
    return _array(_BIGINT, [_8 + value.to_bytes(8, "big", signed=True) for value in values])


def texts(values: Iterable[str]) -> Array:
    return _array(_TEXT, [_sized(value.encode()) for value in values])


def blobs(values: Iterable[bytes]) -> Array:
    return _array(_BYTEA, [_sized(value) for value in values])


def _sized(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value


def _array(oid: int, elements: Sequence[bytes], *, nulls: bool = False) -> Array:
    if not elements:
        return Array(_EMPTY.pack(0, 0, oid))
    return Array(_HEADER.pack(1, nulls, oid, len(elements), 1) + b"".join(elements))
