"""What an operator sets, and how it goes with what the engine has halted by itself."""

from __future__ import annotations

import pytest

from domain.account import TradingHalted, TradingResumed
from domain.account_event import AccountEvent
from domain.trading_state import AccountTrading, EngineTrading, TradingState, TradingStateSet
from domain.trading_state import account_trading as fold
from domain.trading_state import engine_trading as fold_engine


def told(state: TradingState, venue: str | None = None) -> TradingStateSet:
    return TradingStateSet(state=state, because="the test", by="op", venue=venue)


CONTRADICTION = TradingHalted(reason="second_success of order 7")
BEHIND = TradingHalted(reason="put back", code="log_behind")
RESUMED = TradingResumed(because="looked at")


@pytest.mark.parametrize(
    ("events", "state", "sells", "buys"),
    [
        ([], "active", True, True),
        ([told("halted")], "halted", False, False),
        ([told("reducing")], "reducing", True, False),
        ([told("halted"), told("reducing")], "reducing", True, False),
        ([told("halted"), told("active")], "active", True, True),
        ([CONTRADICTION], "halted", False, False),
        ([CONTRADICTION, told("active")], "halted", False, False),
        ([CONTRADICTION, told("reducing"), RESUMED], "active", True, True),
        ([BEHIND, told("active")], "halted", False, False),
    ],
)
def test_what_an_account_may_do(events: list[AccountEvent], state: str, sells: bool, buys: bool) -> None:
    now = fold(events)
    assert (now.state, not now.forbids("sell"), not now.forbids("buy")) == (state, sells, buys)
    assert now.version == len(events) and (now.why is None) is (state == "active")


def test_setting_a_state_lifts_no_halt_of_a_log_that_was_put_back() -> None:
    assert fold([BEHIND, told("active"), told("halted")]).behind


def test_the_strictest_of_account_and_engine_counts() -> None:
    engine = fold_engine([told("halted")])
    assert AccountTrading(engine=engine).state == "halted"
    reducing = fold([told("reducing")])
    both = AccountTrading(restriction=reducing.restriction, engine=engine)
    assert both.state == "halted" and both.why == "halted by op: the test"
    assert AccountTrading(restriction=reducing.restriction, engine=EngineTrading()).state == "reducing"


def test_a_venue_is_refused_by_its_name_in_any_case_and_halts_nothing_else() -> None:
    engine = fold_engine([told("halted", "Orca"), told("reducing", "Raydium")])
    trading = AccountTrading(engine=engine)
    assert trading.state == "active" and engine.version == 2
    assert trading.refused_venues("sell") == {"orca"} and trading.refused_venues("buy") == {"orca", "raydium"}
    after = AccountTrading(engine=fold_engine([told("halted", "Orca"), told("active", "ORCA")]))
    assert after.refused_venues("buy") == frozenset()
