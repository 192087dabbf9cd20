"""How long an order stands: one try, until an instant, or until it is filled."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from domain import commands as c
from domain import events as e
from domain.evolve import fold
from domain.next_step import next_step
from domain.quotes import Refusal
from domain.terms import OrderTerms
from domain.time_in_force import overdue_code
from tests.unit.domain.scenario import (
    NOW,
    build,
    built,
    expired,
    given,
    landing,
    quote,
    quoted,
    routed,
    sent,
    submitted,
)
from tests.unit.domain.test_triggers import SELL, SELL_STOP, saw, triggered

END = NOW + timedelta(seconds=60)
GTD = {**SELL, "time_in_force": "gtd", "expires_at": END}
IOC_LIMIT = {**SELL, "time_in_force": "ioc", "deadline": NOW + timedelta(seconds=120)}
CANCELLED = (e.CancelRequested, e.OrderCancelled)


@pytest.mark.parametrize("in_force", ["ioc", "fok"])
def test_an_immediate_limit_order_is_tried_at_its_submission_and_cancelled_where_no_quote_meets_its_limit(in_force):
    history = submitted(**{**IOC_LIMIT, "time_in_force": in_force})
    assert [type(event) for event in history] == [e.OrderSubmitted, e.OrderTriggered]
    request, end = given(*history).when(quoted(quote(out=224_000_000))).then(*CANCELLED)
    assert isinstance(request, e.CancelRequested)
    assert request.because.startswith("limit_not_met")
    assert isinstance(end, e.OrderCancelled)
    assert (end.code, len(end.quotes)) == ("not_filled_at_once", 1)
    given(*history).when(quoted(quote(out=225_000_000))).then(e.OrderRouted)


@pytest.mark.parametrize("terms", [{"time_in_force": "ioc"}, IOC_LIMIT])
def test_an_immediate_order_has_one_try(terms):
    history = (*submitted(**terms), routed(minimum=225_000_000))
    rejection = c.RejectBuild("slippage_exceeded", "", (), NOW)
    given(*history).when(rejection).then(e.BuildRejected, *CANCELLED)
    on_chain = (*history, built(), sent())
    given(*on_chain).when(landing(1, "finalized", "program_error")).then(e.AttemptRejected, *CANCELLED)


def test_what_asked_nobody_is_no_try_until_the_deadline():
    history = submitted(time_in_force="fok")
    given(*history).when(c.GiveUp("chain_unavailable", "", NOW)).then()
    given(*history).when(c.GiveUp("chain_unavailable", "", NOW + timedelta(seconds=120))).then(*CANCELLED)
    given(*history).when(c.RecordQuotes((), (Refusal(venue="Orca", code="no_liquidity", detail=""),), NOW)).then(
        *CANCELLED
    )


def test_a_guard_that_is_taken_is_no_end():
    given(*submitted(time_in_force="ioc"), routed()).when(c.RejectBuild("guard_taken", "", (), NOW)).then(
        e.BuildRejected
    )


def test_a_final_reason_fails_an_immediate_order_as_any_other():
    given(*submitted(time_in_force="ioc"), routed()).when(c.RejectBuild("insufficient_funds", "", (), NOW)).then(
        e.BuildRejected, e.OrderFailed
    )


def test_an_immediate_swap_that_may_land_past_its_deadline_is_cancelled_by_the_chain():
    late = NOW + timedelta(seconds=121)
    order = fold((*submitted(time_in_force="ioc"), routed(), built(), sent()))
    assert order is not None
    assert (next_step(order, NOW), next_step(order, late)) == ("replace", "request_cancel")
    assert overdue_code(order, late) == "not_filled_at_once"


def test_an_immediate_stop_limit_is_tried_when_its_stop_is_reached_whatever_its_limit():
    terms = {**SELL_STOP, "time_in_force": "fok"}
    history = submitted(**terms)
    assert [type(event) for event in history] == [e.OrderSubmitted]
    stop, trigger = given(*history).when(saw("130")).then(e.StopTriggered, e.OrderTriggered)
    given(*history, stop, trigger).when(quoted(quote(out=200_000_000))).then(*CANCELLED)


def test_an_order_that_expired_is_not_triggered_and_is_cancelled_at_once():
    given(*submitted(**GTD)).when(saw("150", after=59)).then(e.OrderTriggered)
    given(*submitted(**GTD)).when(saw("150", after=60)).then_refused("not_applicable")
    order = fold(submitted(**GTD))
    assert order is not None
    assert next_step(order, END) == "request_cancel"
    given(*submitted(**GTD)).when(c.RequestCancel(overdue_code(order, END))).then(*CANCELLED)


def test_a_live_order_that_expired_is_cancelled_by_the_chain_alone():
    history = (*submitted(**GTD), triggered(), routed(), built(), sent())
    order = fold(history)
    assert order is not None
    assert order.ends_at == END
    assert (next_step(order, NOW), next_step(order, END)) == ("replace", "request_cancel")
    [requested] = given(*history).when(c.RequestCancel(overdue_code(order, END))).then(e.CancelRequested)
    assert isinstance(requested, e.CancelRequested)
    assert requested.code == "expired"
    given(*history, requested).when(landing()).then(e.OrderConfirmed)


def test_an_order_that_expired_gets_no_further_attempt_and_does_not_rest():
    history = (*submitted(**GTD), triggered())
    given(*history).when(quoted(quote(out=300_000_000), now=END)).then(*CANCELLED)
    given(*history, routed(minimum=225_000_000)).when(build(minimum=225_000_000, now=END)).then(*CANCELLED)
    attempted = (*history, routed(minimum=225_000_000), built(), sent())
    proven = expired().evidence
    given(*attempted).when(c.RecordExpiry(1, proven, END)).then(e.AttemptExpired, *CANCELLED)


def test_a_market_order_ends_by_whichever_comes_first_its_deadline_or_its_expiry():
    soon = fold(submitted(time_in_force="gtd", expires_at=END))
    late = fold(submitted(time_in_force="gtd", expires_at=NOW + timedelta(hours=1)))
    assert soon is not None
    assert late is not None
    assert (soon.ends_at, late.ends_at) == (END, NOW + timedelta(seconds=120))


def test_terms_without_a_time_in_force_are_recorded_as_they_were_before_there_was_one():
    [submitted_event] = submitted(**SELL)
    recorded = submitted_event.model_dump(mode="json", by_alias=True)
    assert {"timeInForce", "expiresAt"} & recorded.keys() == set()
    assert isinstance(submitted_event, OrderTerms)
    other = submitted_event.model_copy(update={"time_in_force": "ioc"})
    assert not submitted_event.same_as(other)
    assert submitted_event.limit_price == Decimal(150)
