"""Which orders a price triggers nothing of, though it is met."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from commands.loaded_order import LoadedOrder
from domain.decide import decide
from domain.evolve import fold
from domain.trading_state import AccountTrading
from tests.unit.domain.scenario import submit, submitted
from tests.unit.domain.test_triggers import SELL, SELL_STOP
from workers.watcher.watcher import is_held

ACCOUNT, OTHER = UUID(int=1), UUID(int=2)
TRADES = {ACCOUNT: AccountTrading()}


@pytest.mark.parametrize(
    ("real", "on_paper", "held"),
    [(True, False, False), (True, True, True), (False, True, False), (False, False, False)],
)
def test_a_real_order_waits_for_its_price_until_real_orders_are_executed(
    real: bool, on_paper: bool, held: bool
) -> None:
    order = fold(decide(None, replace(submit(), paper=not real)))
    history = LoadedOrder(UUID(int=3), ACCOUNT, order=order, version=1)
    assert is_held(history, frozenset(), TRADES, paper=on_paper) is held
    assert is_held(history, frozenset({OTHER}), TRADES, paper=on_paper) is held
    assert is_held(history, frozenset({ACCOUNT}), TRADES, paper=on_paper)


@pytest.mark.parametrize(
    ("terms", "held"),
    [
        ({**SELL_STOP, "limit_price": None, "type": "stop"}, True),
        (SELL_STOP, False),
        ({**SELL_STOP, "time_in_force": "fok"}, True),
        (SELL, False),
    ],
)
def test_while_trading_is_halted_what_could_not_rest_again_waits_untriggered(terms: dict[str, Any], held: bool) -> None:
    history = LoadedOrder(UUID(int=3), ACCOUNT, order=fold(submitted(**terms)), version=1)
    assert is_held(history, frozenset(), {ACCOUNT: AccountTrading(reason="a contradiction")}, paper=False) is held
    assert not is_held(history, frozenset(), TRADES, paper=False)
