"""A cursor belongs to one account's one question; no other gets anything for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from domain.tokens import SOL, USDC, USDT, pair_of
from projections.errors import BadCursorError
from projections.orders.filters import OrderFilter, cursor_of, position_of

ACCOUNT = uuid4()
ASKED = OrderFilter(status="pending", pair=pair_of(SOL, USDC))


def test_a_cursor_gives_back_its_position() -> None:
    digest = ASKED.digest(ACCOUNT)
    assert position_of(cursor_of("1.42", digest), digest) == "1.42"


@pytest.mark.parametrize(
    "change",
    [
        {"status": None}, {"status": "failed"}, {"pair": pair_of(SOL, USDT)}, {"side": "sell"}, {"type": "limit"},
        {"order_id": uuid4()}, {"since": datetime(2026, 1, 1, tzinfo=UTC)}, {"until": datetime(2026, 1, 1, tzinfo=UTC)},
        {"oldest_first": True},
    ],
)  # fmt: skip
def test_another_question_is_no_place_for_it(change: dict[str, Any]) -> None:
    cursor = cursor_of("1.42", ASKED.digest(ACCOUNT))
    with pytest.raises(BadCursorError):
        position_of(cursor, replace(ASKED, **change).digest(ACCOUNT))


def test_neither_is_another_account() -> None:
    with pytest.raises(BadCursorError):
        position_of(cursor_of("1.42", ASKED.digest(ACCOUNT)), ASKED.digest(uuid4()))


@pytest.mark.parametrize("cursor", ["", "x", "====", "é", "MS40Mg", "A" * 96, "AAAAAAAAAAAA"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursorError):
        position_of(cursor, ASKED.digest(ACCOUNT))
