"""The storm notices what lists of orders must never come to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain import events as e
from tests.chaos.storm.lists import SLICES, PlacedList, broken_lists, lists
from tests.chaos.storm.outside import Recorded
from tests.chaos.storm.parties import EVERYBODY
from tests.unit.domain.scenario import NOW, submitted

LIST = UUID(int=5)
OCO = {"kind": "oco"}
TWAP = {"kind": "twap", "order": {"amountIn": "5"}}
EACH = 10**9
CANCELLED = (*submitted(), e.OrderCancelled(code="cancelled", detail="It was asked for."))


def placed(body: dict[str, Any], **changes: Any) -> PlacedList:
    return PlacedList(LIST, body, EVERYBODY, **{"answers": {b"202"}, **changes})


def history(*events: e.OrderEvent, at: float = 0.0) -> list[Recorded]:
    return [Recorded(version, NOW + timedelta(seconds=at), event) for version, event in enumerate(events, 1)]


@pytest.mark.parametrize(
    ("first", "second", "succeeded", "said"),
    [
        (submitted(), submitted(), (0, 0), 0),
        (CANCELLED, CANCELLED, (1, 0), 0),
        (CANCELLED, submitted(), (0, 0), 1),
        (CANCELLED, CANCELLED, (1, 1), 1),
        (CANCELLED, CANCELLED, (2, 0), 1),
    ],
)
def test_of_an_oco_one_order_is_filled_and_both_end(
    first: tuple[e.OrderEvent, ...], second: tuple[e.OrderEvent, ...], succeeded: tuple[int, int], said: int
) -> None:
    one = placed(OCO)
    histories = dict(zip(one.order_ids, (history(*first), history(*second)), strict=True))
    chain = {i: [{"err": None}] * count for i, count in zip(one.order_ids, succeeded, strict=True)}
    assert len(broken_lists([one], histories, chain)) == said


def test_slices_come_all_once_and_in_their_order() -> None:
    one = placed(TWAP)
    slices = {i: history(*submitted(amount_in=EACH), at=n) for n, i in enumerate(one.order_ids)}
    assert broken_lists([one], slices, {}) == []
    fewer = dict(list(slices.items())[1:])
    assert len(broken_lists([one], fewer, {})) == 2
    assert broken_lists([placed(TWAP, refused=1)], fewer, {}) == []
    late = slices | {one.order_ids[0]: history(*submitted(amount_in=EACH), at=SLICES)}
    assert len(broken_lists([one], late, {})) == 1


def test_a_list_that_nobody_accepted_or_that_was_answered_twice_is_told() -> None:
    assert len(broken_lists([placed(TWAP, answers=set())], {}, {})) == 1
    one = placed(OCO, answers={b"a", b"b"})
    histories = {i: history(*submitted()) for i in one.order_ids}
    assert len(broken_lists([one], histories, {})) == 1


def test_a_plan_has_both_kinds() -> None:
    assert [one.body["kind"] for one in lists(7, 80, 1)] == ["oco", "twap", "oco", "twap"]
