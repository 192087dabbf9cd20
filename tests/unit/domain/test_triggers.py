"""Orders that wait: levels, latches, rests, and the integer minimum that keeps the limit on chain."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain import commands as c
from domain import events as e
from domain.numbers import ratio
from domain.tokens import BONK, SOL, USDC
from domain.triggers import limit_minimum, rest_until
from tests.unit.domain.scenario import NOW, build, built, given, landing, quote, quoted, routed, sent, submit, submitted

SELL = {"type": "limit", "limit_price": Decimal(150), "deadline": None}
BUY = {**SELL, "token_in": USDC, "token_out": SOL, "amount_in": 150_000_000}
SELL_STOP = {**SELL, "type": "stop-limit", "stop_price": Decimal(140), "limit_price": Decimal(139)}
BUY_STOP = {**BUY, "type": "stop-limit", "stop_price": Decimal(160), "limit_price": Decimal(161)}


def saw(touch: str, *, at_size: bool = False, after: int = 0) -> c.ObservePrice:
    now = NOW + timedelta(seconds=after)
    seen = e.Observation(source="pools", pair="SOL/USDC", slot=9, touch=Decimal(touch), observed_at=now)
    return c.ObservePrice(seen, at_size, now)


def triggered(touch: str = "150") -> e.OrderTriggered:
    seen = saw(touch)
    return e.OrderTriggered(reason="limit", observation=seen.observation, deadline=NOW + timedelta(seconds=120))


def rested(touch: str = "150", armed_after: int | None = None) -> e.OrderRested:
    armed_at = None if armed_after is None else NOW + timedelta(seconds=armed_after)
    return e.OrderRested(code="limit_not_met", detail="", touch=Decimal(touch), armed_at=armed_at)


def test_a_limit_order_waits():
    given().when(submit(**SELL)).then(e.OrderSubmitted)


@pytest.mark.parametrize(
    ("terms", "touch", "met"),
    [(SELL, "149.999", False), (SELL, "150", True), (SELL, "151", True), (BUY, "150.001", False), (BUY, "150", True)],
)
def test_a_limit_is_met_by_level(terms, touch, met):
    given(*submitted(**terms)).when(saw(touch)).then(*([e.OrderTriggered] if met else []))


@pytest.mark.parametrize(
    ("terms", "touch", "expected"),
    [
        (SELL_STOP, "141", []),
        (SELL_STOP, "140", [e.StopTriggered, e.OrderTriggered]),
        (SELL_STOP, "130", [e.StopTriggered]),
        (BUY_STOP, "159", []),
        (BUY_STOP, "160", [e.StopTriggered, e.OrderTriggered]),
        (BUY_STOP, "170", [e.StopTriggered]),
    ],
)
def test_a_stop_latches_in_its_direction_and_is_a_limit_from_there_on(terms, touch, expected):
    given(*submitted(**terms)).when(saw(touch)).then(*expected)


def test_a_latched_stop_stays_latched_wherever_the_price_goes():
    history = (*submitted(**SELL_STOP), e.StopTriggered(observation=saw("130").observation))
    given(*history).when(saw("145")).then(e.OrderTriggered)


def test_a_market_order_waits_for_no_price():
    given(*submitted()).when(saw("150")).then_refused("not_applicable")


def test_a_triggered_order_is_not_triggered_twice():
    given(*submitted(**SELL), triggered()).when(saw("151")).then_refused("not_applicable")


def test_quotes_at_size_that_fall_short_let_the_order_rest_at_its_touch():
    low = quote(224_999_999)
    [rest] = given(*submitted(**SELL), triggered("150.2")).when(quoted(low)).then(e.OrderRested)
    assert isinstance(rest, e.OrderRested)
    assert (rest.touch, rest.quotes, rest.armed_at) == (Decimal("150.2"), (low,), None)


def test_the_minimum_on_chain_is_the_limit_where_slippage_would_allow_less():
    [route] = given(*submitted(**SELL), triggered()).when(quoted(quote(225_000_001))).then(e.OrderRouted)
    assert isinstance(route, e.OrderRouted)
    assert route.minimum_out == 225_000_000


def test_each_attempts_minimum_is_its_own_quote_less_slippage():
    history = (*submitted(**SELL), triggered(), routed(minimum=290_000_000), e.BuildRejected(code="x", detail=""))
    [route] = given(*history).when(quoted(quote(230_000_000))).then(e.OrderRouted)
    assert isinstance(route, e.OrderRouted)
    assert route.minimum_out == 228_850_000


@pytest.mark.parametrize(
    ("touch", "at_size", "fires"),
    [("150.000", False, False), ("150.014", False, False), ("150.015", False, True), ("150", True, True)],
)
def test_a_still_price_makes_no_loop(touch, at_size, fires):
    history = (*submitted(**SELL), triggered(), rested("150"))
    given(*history).when(saw(touch, at_size=at_size)).then(*([e.OrderTriggered] if fires else []))


def test_an_order_that_could_not_be_executed_in_time_is_armed_again_after_a_while():
    history = (*submitted(**SELL), triggered())
    late = NOW + timedelta(seconds=121)
    [rest] = given(*history).when(c.GiveUp("chain_unavailable", "", late)).then(e.OrderRested)
    assert isinstance(rest, e.OrderRested)
    assert rest.armed_at == late + timedelta(seconds=30)
    given(*history, rest).when(saw("160", after=150)).then()
    [again] = given(*history, rest).when(saw("150", after=151)).then(e.OrderTriggered)
    [longer] = (
        given(*history, rest, again)
        .when(c.GiveUp("chain_unavailable", "", late + timedelta(seconds=200)))
        .then(e.OrderRested)
    )
    assert isinstance(longer, e.OrderRested)
    assert longer.armed_at == late + timedelta(seconds=260)


def test_a_rest_that_was_recorded_before_the_clock_stepped_back_is_over():
    history = (*submitted(**SELL), triggered(), rested(armed_after=3600))
    given(*history).when(saw("150", after=0)).then(e.OrderTriggered)
    given(*history).when(saw("150", after=3000)).then()


def test_rests_double_to_ten_minutes():
    assert [(rest_until(NOW, n) - NOW).seconds for n in (0, 1, 4, 5, 99)] == [30, 60, 480, 600, 600]


def test_three_rejections_since_the_trigger_let_the_order_rest():
    rejection = e.BuildRejected(code="slippage_exceeded", detail="")
    history = (*submitted(**SELL), triggered(), routed(), rejection, routed(), rejection, routed())
    command = c.RejectBuild("slippage_exceeded", "", (), NOW)
    given(*history).when(command).then(e.BuildRejected, e.OrderRested)
    fresh = (*history, rejection, rested(armed_after=0), triggered(), routed())
    given(*fresh).when(command).then(e.BuildRejected)


def test_an_order_that_rests_already_is_not_given_up_again():
    rejection = e.BuildRejected(code="slippage_exceeded", detail="")
    history = (*submitted(**SELL), triggered(), routed(), rejection, routed(), rejection, routed(), rejection)
    resting = (*history, rested(armed_after=30))
    late = NOW + timedelta(seconds=121)
    given(*resting).when(c.GiveUp("chain_unavailable", "", late)).then_refused("not_applicable")


def test_an_order_that_has_never_triggered_is_not_given_up():
    late = NOW + timedelta(days=1)
    given(*submitted(**SELL)).when(c.GiveUp("chain_unavailable", "", late)).then_refused("not_applicable")


def test_a_live_attempt_of_a_limit_order_never_rests():
    history = (*submitted(**SELL), triggered(), routed(minimum=225_000_000), built(), sent())
    given(*history).when(c.GiveUp("chain_unavailable", "", NOW + timedelta(days=1))).then_refused("not_applicable")
    given(*history).when(saw("150")).then_refused("not_applicable")


def test_no_attempt_of_a_limit_order_begins_after_its_trigger_ran_out():
    history = (*submitted(**SELL), triggered(), routed())
    given(*history).when(build(now=NOW + timedelta(seconds=120))).then(e.OrderRested)


def test_insufficient_funds_end_a_limit_order_too():
    command = c.RejectBuild("insufficient_funds", "", (), NOW)
    given(*submitted(**SELL), triggered(), routed()).when(command).then(e.BuildRejected, e.OrderFailed)


@for_all(
    st.integers(1, 2**63),
    st.decimals("0.000000001", "1000000", places=9),
    st.sampled_from(["sell", "buy"]),
    st.sampled_from([(SOL, USDC), (BONK, SOL)]),
)
def test_the_integer_minimum_is_the_least_that_keeps_the_limit(amount, limit, side, pair):
    token_in, token_out = pair if side == "sell" else pair[::-1]
    least = limit_minimum(side, amount, token_in, token_out, limit)

    def price(out: int) -> Fraction:
        base, quote_ = (amount, out) if side == "sell" else (out, amount)
        return Fraction(quote_, base) * Fraction(10) ** (pair[0].decimals - pair[1].decimals)

    within = (lambda p: p >= limit) if side == "sell" else (lambda p: p <= limit)
    assert within(price(least))
    assert least == 1 or not within(price(least - 1))
    quote_, base = (least, amount) if side == "sell" else (amount, least)
    shown = ratio(quote_, pair[1].decimals, base, pair[0].decimals)
    assert within(Fraction(shown))


def test_a_confirmed_limit_order_shows_its_price():
    history = (*submitted(**SELL), triggered(), routed(), built(), sent())
    found = landing()
    better = replace(found, landing=found.landing.model_copy(update={"amount_out": 226_000_000}))
    [confirmed] = given(*history).when(better).then(e.OrderConfirmed)
    assert isinstance(confirmed, e.OrderConfirmed)
    assert confirmed.executed_price >= 150
