"""The arrays are, byte for byte, what psycopg itself writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from psycopg.adapt import PyFormat, Transformer

from event_store.append.arrays import bigints, blobs, texts, uuids


@pytest.mark.parametrize(
    ("write", "values"),
    [
        (uuids, [UUID(int=1), UUID(int=2**128 - 1)]),
        (uuids, [None, UUID(int=7), None]),
        (texts, ["", "order.OrderRouted", "Ünïcode"]),
        (blobs, [b"", bytes(range(256))]),
        (bigints, [2**40, -1, 2**63 - 1, -(2**63)]),
    ],
)
def test_an_array_is_written_as_psycopg_writes_it(write: Callable[[Sequence[Any]], bytes], values: list[object]):
    [expected] = Transformer().dump_sequence([values], [PyFormat.BINARY])
    assert write(values) == bytes(expected or b"")


@pytest.mark.parametrize("write", [uuids, bigints, texts, blobs])
def test_an_empty_array_has_no_dimension(write: Callable[[Sequence[Any]], bytes]):
    assert write([])[:8] == bytes(8)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_what_is_no_bigint_is_not_written(value: int):
    with pytest.raises(OverflowError):
        bigints([value])
