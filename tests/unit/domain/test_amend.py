"""Amending an order that waits: one event, its place kept where only the amount falls, and never of a live one."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain import commands as c
from domain import events as e
from domain.evolve import fold
from domain.order import Order
from domain.tokens import BONK, SOL
from tests.unit.domain.scenario import NOW, built, expired, given, landing, quote, quoted, routed, sent, submitted
from tests.unit.domain.test_triggers import SELL, SELL_STOP, rested, saw, triggered

WAITING = submitted(**SELL)
REQUESTED = e.CancelRequested(code="cancelled")
LESS = 500_000_000


def folded(*events: e.OrderEvent) -> Order:
    order = fold(events)
    assert order is not None
    return order


@pytest.mark.parametrize(
    ("changes", "keeps_place"),
    [
        ({"amount_in": LESS}, True),
        ({"amount_in": 2_000_000_000}, False),
        ({"limit_price": Decimal(151)}, False),
        ({"amount_in": LESS, "limit_price": Decimal(151)}, False),
        ({"slippage_bps": 10}, False),
    ],
)
def test_it_keeps_its_place_only_where_its_amount_alone_falls(changes: dict[str, Any], keeps_place: bool) -> None:
    [amended] = given(*WAITING).when(c.AmendOrder(NOW, **changes)).then(e.OrderAmended)
    assert amended == e.OrderAmended(**changes, keeps_place=keeps_place)
    order = folded(*WAITING, amended)
    assert {name: getattr(order, name) for name in changes} == changes
    assert order.status == "pending" and order.waits_for_price


def test_what_is_so_already_is_no_event() -> None:
    given(*WAITING).when(c.AmendOrder(NOW)).then()
    given(*WAITING).when(c.AmendOrder(NOW, limit_price=Decimal("150.0"), amount_in=1_500_000_000)).then()
    [amended] = given(*WAITING).when(c.AmendOrder(NOW, limit_price=Decimal(150), amount_in=LESS)).then(e.OrderAmended)
    assert amended == e.OrderAmended(amount_in=LESS, keeps_place=True)


def test_terms_that_are_met_already_execute_and_a_rest_is_over() -> None:
    amended = e.OrderAmended(limit_price=Decimal(140), keeps_place=False)
    given(*WAITING).when(saw("145")).then()
    given(*WAITING, amended).when(saw("145")).then(e.OrderTriggered)
    rests = (*WAITING, triggered(), rested(armed_after=600))
    given(*rests).when(saw("150")).then()
    given(*rests, amended).when(saw("150")).then(e.OrderTriggered)


def test_an_amended_slippage_is_the_clients_own() -> None:
    order = folded(*submitted(**SELL, slippage_defaulted=True), e.OrderAmended(slippage_bps=7, keeps_place=False))
    assert (order.slippage_bps, order.slippage_defaulted) == (7, False)


@pytest.mark.parametrize(
    "history",
    [
        (*WAITING, triggered()),
        (*WAITING, triggered(), routed()),
        (*WAITING, triggered(), routed(), built()),
        (*WAITING, triggered(), routed(), built(), sent()),
        (*WAITING, triggered(), routed(), built(), sent(), REQUESTED),
        (*WAITING, REQUESTED, e.OrderCancelled(code="cancelled", detail="")),
        submitted(),
        (*submitted(), e.OrderFailed(code="no_venue", detail="", retryable=False)),
    ],
)
def test_an_order_that_does_not_wait_is_not_amended(history: tuple[e.OrderEvent, ...]) -> None:
    given(*history).when(c.AmendOrder(NOW, amount_in=LESS)).then_refused("not_amendable")


def test_a_price_the_order_does_not_have_is_refused() -> None:
    given(*WAITING).when(c.AmendOrder(NOW, stop_price=Decimal(140))).then_refused("price_not_allowed")


def test_a_stop_changes_until_it_is_reached() -> None:
    stop = submitted(**SELL_STOP)
    given(*stop).when(c.AmendOrder(NOW, stop_price=Decimal(130))).then(e.OrderAmended)
    reached = (*stop, e.StopTriggered(observation=saw("130").observation))
    given(*reached).when(c.AmendOrder(NOW, stop_price=Decimal(120))).then_refused("not_amendable")
    given(*reached).when(c.AmendOrder(NOW, stop_price=Decimal(140), limit_price=Decimal(138))).then(e.OrderAmended)
    given(*stop, e.OrderAmended(stop_price=Decimal(130), keeps_place=False)).when(saw("135")).then()


def test_a_limit_past_what_the_chain_can_count_is_refused() -> None:
    order = submitted(**{**SELL, "token_in": SOL, "token_out": BONK})
    given(*order).when(c.AmendOrder(NOW, limit_price=Decimal("1e-20"))).then_refused("limit_out_of_reach")


def test_what_is_signed_after_it_has_the_new_minimum() -> None:
    amended = e.OrderAmended(limit_price=Decimal(160), amount_in=LESS, keeps_place=False)
    history = (*WAITING, amended, triggered("161"))
    assert folded(*history).minimum_out == 80_000_000
    given(*history).when(quoted(quote(out=79_999_999))).then(e.OrderRested)
    given(*history).when(quoted(quote(out=80_000_000))).then(e.OrderRouted)


def test_what_was_signed_before_keeps_its_own_amount_should_it_land_in_spite_of_its_proof() -> None:
    proven = (*WAITING, triggered(), routed(), built(), sent(), expired(), rested())
    amended = e.OrderAmended(amount_in=LESS, keeps_place=True)
    order = folded(*proven, amended)
    assert order.amount_of(order.attempts[0]) == 1_500_000_000
    [confirmed] = given(*proven, amended).when(landing(1)).then(e.OrderConfirmed)
    assert isinstance(confirmed, e.OrderConfirmed) and confirmed.amount_in == 1_500_000_000


GOOD_TILL = submitted(**SELL, time_in_force="gtd", expires_at=NOW + timedelta(seconds=1))
LATER = NOW + timedelta(hours=1)


def test_an_order_that_has_expired_is_not_amended_though_nobody_has_cancelled_it_yet() -> None:
    just_before, expired_at = NOW + timedelta(seconds=0.999), NOW + timedelta(seconds=1)
    for changes in ({"amount_in": LESS}, {"expires_at": LATER}, {}):
        given(*GOOD_TILL).when(c.AmendOrder(expired_at, **changes)).then_refused("not_amendable")
    given(*GOOD_TILL).when(c.AmendOrder(just_before, expires_at=LATER)).then(e.OrderAmended)


def test_no_end_is_set_that_has_passed() -> None:
    for end in (NOW, NOW - timedelta(seconds=1)):
        given(*GOOD_TILL).when(c.AmendOrder(NOW, expires_at=end)).then_refused("expires_at_passed")
