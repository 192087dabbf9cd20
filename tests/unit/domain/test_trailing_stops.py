"""A stop that follows the best price: it moves one way only, and the price that comes back by the trail reaches it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given as for_all
from hypothesis import strategies as st

from domain import commands as c
from domain import events as e
from domain.decide import decide
from domain.evolve import fold
from domain.order import Order
from domain.tokens import SOL, USDC
from domain.trailing import trail_met, trail_stop
from tests.unit.domain.scenario import given, quote, quoted, submitted
from tests.unit.domain.test_triggers import saw

SELL = {"type": "trailing-stop", "trail_bps": 100, "deadline": None}
BUY = {**SELL, "token_in": USDC, "token_out": SOL, "amount_in": 150_000_000}
TRIGGERED = (e.StopTriggered, e.OrderTriggered)


def moved(touch: str) -> e.TrailMoved:
    return e.TrailMoved(observation=saw(touch).observation)


def test_the_first_price_is_the_best_so_far_and_better_ones_move_it():
    given(*submitted(**SELL)).when(saw("150")).then(moved("150"))
    given(*submitted(**SELL), moved("150")).when(saw("151")).then(moved("151"))
    given(*submitted(**SELL), moved("150")).when(saw("149")).then()
    given(*submitted(**BUY), moved("150")).when(saw("149")).then(moved("149"))
    given(*submitted(**BUY), moved("150")).when(saw("151")).then()


def test_a_price_that_comes_back_by_the_trail_triggers_exactly_there():
    history = (*submitted(**SELL), moved("150"), moved("200"))
    given(*history).when(saw("198.000000001")).then()
    given(*history).when(saw("198")).then(*TRIGGERED)
    buys = (*submitted(**BUY), moved("150"), moved("100"))
    given(*buys).when(saw("100.999999999")).then()
    given(*buys).when(saw("101")).then(*TRIGGERED)


def test_a_best_price_that_nobody_recorded_goes_into_the_log_with_what_it_triggers():
    command = replace(saw("198"), best=saw("200").observation)
    given(*submitted(**SELL), moved("199")).when(command).then(moved("200"), *TRIGGERED)
    older = replace(saw("198"), best=saw("199").observation)
    given(*submitted(**SELL), moved("200")).when(older).then(*TRIGGERED)


def test_once_triggered_it_is_a_market_order():
    history = (*submitted(**SELL), moved("200"))
    decided = given(*history).when(saw("150")).then(*TRIGGERED)
    given(*history, *decided).when(quoted(quote(out=1_000_000))).then(e.OrderRouted)
    given(*history, *decided).when(saw("300")).then_refused("not_applicable")


def test_an_order_without_a_trail_is_recorded_as_it_was_before_there_was_one():
    [order] = submitted(type="limit", limit_price=Decimal(1), deadline=None)
    assert "trailBps" not in order.model_dump(mode="json", by_alias=True)
    folded = fold([order])
    assert folded is not None
    assert {"trail_bps", "best_touch"} & folded.model_dump(mode="json").keys() == set()


PRICES = st.lists(st.integers(9_000, 11_000).map(lambda n: Decimal(n) / 100), min_size=1, max_size=40)


@for_all(PRICES, st.sampled_from([SELL, BUY]), st.integers(1, 9_999), st.data())
def test_whatever_is_recorded_between_it_triggers_where_the_prices_say(prices, terms, trail_bps, data):
    """The watcher records some of the best prices, or none: the order is the same, and so it is after any restart."""
    order = fold(submitted(**{**terms, "trail_bps": trail_bps}))
    best: Decimal | None = None
    unrecorded: e.Observation | None = None
    for number, touch in enumerate(prices):
        best = touch if best is None else (max if terms is SELL else min)(best, touch)
        seen = replace(saw(str(touch)), best=None)
        if best == touch:
            unrecorded = seen.observation
        should = trail_met("sell" if terms is SELL else "buy", touch, best, trail_bps)
        if should or data.draw(st.booleans(), label=f"{number} is recorded"):
            command: c.ObservePrice = replace(seen, best=unrecorded)
            assert order is not None
            order = after(order, command)
            unrecorded = None
            assert order.stop_reached == should
            assert order.best_touch == best
        if should:
            return


def after(order: Order, command: c.ObservePrice) -> Order:
    folded = fold(decide(order, command), order)
    assert folded is not None
    return folded


@for_all(st.decimals("0.000000001", "1000000", places=9), st.integers(1, 9_999), st.sampled_from(["sell", "buy"]))
def test_the_stop_that_is_shown_is_the_first_price_that_reaches_it(best, trail_bps, side):
    stop = trail_stop(side, best, trail_bps)
    assert trail_met(side, stop, best, trail_bps)
    inside = stop + (1 if side == "sell" else -1) * best / 10**9
    assert not trail_met(side, inside, best, trail_bps)
