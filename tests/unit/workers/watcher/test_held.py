"""Which orders a price triggers nothing of, though it is met."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from commands.loaded_order import LoadedOrder
from domain.decide import decide
from domain.evolve import fold
from tests.unit.domain.scenario import submit
from workers.watcher.watcher import is_held

ACCOUNT, OTHER = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("real", "on_paper", "held"),
    [(True, False, False), (True, True, True), (False, True, False), (False, False, False)],
)
def test_a_real_order_waits_for_its_price_until_real_orders_are_executed(
    real: bool, on_paper: bool, held: bool
) -> None:
    order = fold(decide(None, replace(submit(), paper=not real)))
    history = LoadedOrder(UUID(int=3), ACCOUNT, order=order, version=1)
    assert is_held(history, frozenset(), paper=on_paper) is held
    assert is_held(history, frozenset({OTHER}), paper=on_paper) is held
    assert is_held(history, frozenset({ACCOUNT}), paper=on_paper)
