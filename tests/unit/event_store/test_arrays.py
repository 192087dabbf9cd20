"""The arrays are, byte for byte, what psycopg itself writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from psycopg.adapt import PyFormat, Transformer
from psycopg.types.numeric import Int4

from event_store.arrays import bigints, blobs, instants, integers, texts, uuids


@pytest.mark.parametrize(
    ("write", "values"),
    [
        (uuids, [UUID(int=1), UUID(int=2**128 - 1)]),
        (uuids, [None, UUID(int=7), None]),
        (texts, ["", "order.OrderRouted", "Ünïcode"]),
        (blobs, [b"", bytes(range(256))]),
        (bigints, [2**40, -1, 2**63 - 1, -(2**63)]),
        (integers, [1, -1, 2**31 - 1, -(2**31)]),
        (instants, [datetime(2026, 11, 26, 18, 0, 1, 999_999, UTC), datetime(1999, 12, 31, 23, tzinfo=UTC)]),
        (instants, [datetime(2026, 7, 1, 2, tzinfo=timezone(timedelta(hours=2)))]),
    ],
)
def test_an_array_is_written_as_psycopg_writes_it(write: Callable[[Sequence[Any]], bytes], values: list[object]):
    # psycopg takes the narrowest type that holds all values; ours is the column's.
    given = [Int4(value) for value in values] if write is integers else values
    [expected] = Transformer().dump_sequence([given], [PyFormat.BINARY])
    assert write(values) == bytes(expected or b"")


@pytest.mark.parametrize("write", [uuids, bigints, integers, texts, blobs, instants])
def test_an_empty_array_has_no_dimension(write: Callable[[Sequence[Any]], bytes]):
    assert write([])[:8] == bytes(8)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_what_is_no_bigint_is_not_written(value: int):
    with pytest.raises(OverflowError):
        bigints([value])


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_what_is_no_integer_is_not_written(value: int):
    with pytest.raises(OverflowError):
        integers([value])
