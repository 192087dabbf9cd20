"""The storm notices an amendment that isn't what was answered."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from domain import events as e
from tests.chaos.storm.amends import Amended, wrongly_amended
from tests.chaos.storm.outside import Recorded
from tests.chaos.storm.plan import orders
from tests.unit.domain.scenario import NOW, given
from tests.unit.domain.test_amend import WAITING
from tests.unit.domain.test_triggers import saw

ORDER = UUID(int=1)
AMENDED = e.OrderAmended(limit_price=Decimal(140), keeps_place=False)
AT = len(WAITING) + 1


def history(*more: e.OrderEvent) -> dict[UUID, list[Recorded]]:
    return {ORDER: [Recorded(version, NOW, event) for version, event in enumerate((*WAITING, *more), 1)]}


@pytest.mark.parametrize(
    ("asked", "recorded", "said"),
    [
        (Amended({"limitPrice": "140.0"}, version=AT), [AMENDED], 0),
        (Amended({"limitPrice": "140.0"}, refused="not_amendable"), [AMENDED], 0),  # its first answer was lost
        (Amended({"limitPrice": "140.0"}, version=AT), [], 1),
        (Amended({"limitPrice": "139.0"}, version=AT), [AMENDED], 1),
        (Amended({"amountIn": "0.5"}, version=AT), [AMENDED], 1),
        (Amended({"limitPrice": "140.0"}, version=AT), [AMENDED, AMENDED], 1),
        (Amended({"limitPrice": "140.0"}, wrong=["answered 500"]), [], 1),
        (None, [AMENDED], 1),
    ],
)
def test_what_was_answered_is_what_was_recorded(asked: Amended | None, recorded: list[e.OrderEvent], said: int) -> None:
    found = wrongly_amended({ORDER: asked} if asked else {}, history(*recorded))
    assert len(found) == said, found


def test_an_order_is_amended_only_while_it_waits() -> None:
    [triggered] = given(*WAITING).when(saw("150")).then(e.OrderTriggered)
    [found] = wrongly_amended(
        {ORDER: Amended({"limitPrice": "140"}, refused="not_amendable")}, history(triggered, AMENDED)
    )
    assert "amended while it was" in found


def test_only_what_waits_for_a_price_is_amended_by_a_plan() -> None:
    plan = orders(5, 200, 2, amends=True)
    amended = [one for one in plan if one.amended_after is not None]
    assert len(amended) > 20 and all(one.terms["type"] != "market" for one in amended)
    assert all(set(one.amended_to) < {"limitPrice", "amountIn"} for one in amended)
    assert [one.terms for one in plan] == [one.terms for one in orders(5, 200, 2)]
