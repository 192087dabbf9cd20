"""Which orders a price triggers nothing of, though it is met."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from commands.loaded_order import LoadedOrder
from domain.decide import decide
from domain.events import Observation, TrailMoved
from domain.evolve import fold
from domain.trading_state import AccountTrading
from tests.unit.domain.scenario import NOW, submit, submitted
from tests.unit.domain.test_triggers import SELL, SELL_STOP
from tests.unit.workers.watcher.test_trails import trailing
from workers.watcher.price_effects import Met, is_held

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


def touch(at: str) -> Observation:
    return Observation(source="pools", pair="SOL/USDC", slot=1, touch=Decimal(at), observed_at=NOW)


@pytest.mark.parametrize("triggers", [True, False])
def test_of_a_trailing_stop_that_is_held_the_best_touch_is_recorded_and_nothing_else(triggers: bool) -> None:
    """Its trail is reached at present: the best touch alone says nothing of that."""
    terms = {**SELL, "limit_price": None, "type": "trailing-stop", "trail_bps": 100}
    order = fold([*submitted(**terms), TrailMoved(observation=touch("150"))])
    met = Met(trailing(1), triggers=triggers, records=True)
    command = met.command(touch("100"), touch("160"), NOW, held=True)
    assert command is not None
    assert decide(order, command) == [TrailMoved(observation=touch("160"))]
    assert met.command(touch("100"), None, NOW, held=True) is None
    assert replace(met, records=False).command(touch("100"), touch("160"), NOW, held=True) is None


def test_an_order_that_is_triggered_and_not_held_is_decided_on_by_the_present_touch() -> None:
    command = Met(trailing(1), records=True).command(touch("100"), touch("160"), NOW, held=False)
    assert command is not None
    assert (command.observation, command.best) == (touch("100"), touch("160"))
