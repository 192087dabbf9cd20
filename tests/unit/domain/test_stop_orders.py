"""A stop without a limit: a market order from the price on that reached it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from domain import commands as c
from domain import events as e
from domain.evolve import fold
from domain.next_step import next_step
from domain.tokens import SOL, USDC
from tests.unit.domain.scenario import NOW, built, given, quote, quoted, routed, sent, submitted
from tests.unit.domain.test_triggers import saw

SELL = {"type": "stop", "stop_price": Decimal(140), "deadline": None}
BUY = {**SELL, "token_in": USDC, "token_out": SOL, "amount_in": 150_000_000, "stop_price": Decimal(160)}


@pytest.mark.parametrize(
    ("terms", "touch", "reached"),
    [(SELL, "140.01", False), (SELL, "140", True), (SELL, "1", True), (BUY, "159.9", False), (BUY, "160", True)],
)
def test_a_stop_order_is_executed_once_the_price_has_reached_its_stop(terms, touch, reached):
    events = given(*submitted(**terms)).when(saw(touch)).then(*[e.StopTriggered, e.OrderTriggered] if reached else [])
    if reached:
        assert isinstance(events[1], e.OrderTriggered)
        assert (events[1].reason, events[1].deadline) == ("stop", NOW + timedelta(seconds=120))


def executed() -> tuple[e.OrderEvent, ...]:
    history = submitted(**SELL)
    return (*history, *given(*history).when(saw("139")).then(e.StopTriggered, e.OrderTriggered))


def test_whatever_is_quoted_then_is_taken_and_its_slippage_counts_from_the_first_quote():
    given(*executed()).when(quoted(quote(out=100_000_000))).then(e.OrderRouted)
    rejected = e.BuildRejected(code="slippage_exceeded", detail="")
    history = (*executed(), routed(minimum=99_500_000, chosen=quote(out=100_000_000)), rejected)
    given(*history).when(quoted(quote(out=99_000_000))).then()


def test_it_fails_past_its_deadline_and_does_not_rest():
    late = NOW + timedelta(seconds=120)
    [failed] = given(*executed()).when(c.GiveUp("chain_unavailable", "", late)).then(e.OrderFailed)
    assert isinstance(failed, e.OrderFailed)
    assert failed.retryable


def test_what_may_land_past_its_deadline_is_cancelled_by_the_chain():
    order = fold((*executed(), routed(), built(), sent()))
    assert order is not None
    assert next_step(order, NOW + timedelta(seconds=120)) == "request_cancel"


def test_any_number_of_rejections_leaves_it_to_its_deadline():
    rejected = e.BuildRejected(code="program_error", detail="")
    history = (*executed(), *(event for _ in range(5) for event in (routed(), rejected)), routed())
    given(*history).when(c.RejectBuild("program_error", "", (), NOW)).then(e.BuildRejected)
