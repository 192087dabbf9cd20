"""An order whose guard the chain shows though nothing was signed for it here: it was executed or cancelled elsewhere,
so nothing ends it before it is known which.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain import commands as c
from domain import events as e
from domain.codes import Code
from domain.decide import decide
from domain.evolve import fold
from domain.next_step import next_step
from tests.unit.domain.scenario import LATE, NOW, build, built, given, landing, quote, quoted, routed, submitted
from tests.unit.domain.test_elsewhere import elsewhere

TAKEN = e.BuildRejected(code=Code.GUARD_TAKEN, detail="there is the guard", logs=())
MARKET = (*submitted(), routed(), TAKEN)
LIMIT: dict[str, Any] = {"type": "limit", "limit_price": Decimal(140), "deadline": None}
SEEN = e.Observation(source="pools", pair="SOL/USDC", slot=1, touch=Decimal(150), observed_at=NOW)
TRIGGERED = e.OrderTriggered(reason="limit", observation=SEEN, deadline=LATE)
RESTS = (*submitted(**LIMIT), TRIGGERED, routed(), TAKEN)
IOC = (*submitted(type="limit", limit_price=Decimal(140), time_in_force="ioc"), routed(), TAKEN)
EXPIRES = NOW + timedelta(seconds=100)
GTD = (*submitted(**LIMIT, time_in_force="gtd", expires_at=EXPIRES), TRIGGERED, routed(), TAKEN)
ALL = pytest.mark.parametrize("before", [MARKET, RESTS, IOC, GTD], ids=["market", "limit", "ioc", "gtd"])


@ALL
def test_its_time_ends_it_by_nothing(before: tuple[e.OrderEvent, ...]) -> None:
    given(*before).when(c.GiveUp(Code.CHAIN_UNAVAILABLE, "", LATE)).then()
    given(*before).when(c.GiveUp(Code.TRANSACTION_INVALID, "", LATE)).then()
    given(*before).when(quoted(quote(out=1), now=LATE)).then()
    given(*before, routed()).when(c.RejectBuild(Code.GUARD_TAKEN, "", (), LATE)).then(e.BuildRejected)


@ALL
@pytest.mark.parametrize("code", [Code.SLIPPAGE_EXCEEDED, Code.INSUFFICIENT_FUNDS, Code.PROGRAM_ERROR])
def test_what_a_node_that_lags_says_next_does_not_take_it_back(before: tuple[e.OrderEvent, ...], code: Code) -> None:
    given(*before, routed()).when(c.RejectBuild(code, "", (), LATE)).then(e.BuildRejected)
    after = (*before, routed(), e.BuildRejected(code=code, detail="", logs=()))
    order = fold(after)
    assert order is not None and order.is_taken_elsewhere
    given(*after).when(c.GiveUp(Code.CHAIN_UNAVAILABLE, "", LATE)).then()
    given(*after).when(c.DiscardOrder(Code.CANCELLED_AT_RECOVERY)).then_refused("guard_taken")


@ALL
def test_a_cancel_stays_requested_and_recovery_does_not_discard_it(before: tuple[e.OrderEvent, ...]) -> None:
    given(*before).when(c.RequestCancel(by="me")).then(e.CancelRequested)
    given(*before).when(c.DiscardOrder(Code.CANCELLED_AT_RECOVERY)).then_refused("guard_taken")
    requested = e.CancelRequested(code=Code.CANCELLED, by="me")
    given(*before, requested).when(c.GiveUp(Code.CHAIN_UNAVAILABLE, "", LATE)).then()


@ALL
def test_an_operator_who_discards_it_ends_it_as_executed_elsewhere(before: tuple[e.OrderEvent, ...]) -> None:
    """Some endpoints never show again what made its guard."""
    [failed] = given(*before).when(c.DiscardOrder()).then(e.OrderFailed)
    assert isinstance(failed, e.OrderFailed) and failed.code == Code.EXECUTED_ELSEWHERE and not failed.retryable


@ALL
def test_it_ends_as_the_chain_has_it(before: tuple[e.OrderEvent, ...]) -> None:
    given(*before).when(elsewhere()).then(e.OrderConfirmed)
    [failed] = given(*before).when(elsewhere(paid={"another": 5})).then(e.OrderFailed)
    assert isinstance(failed, e.OrderFailed) and failed.code == Code.EXECUTED_ELSEWHERE and not failed.retryable
    cancel = elsewhere(purpose="cancel", paid={}, received={})
    given(*before).when(cancel).then(e.CancelRequested, e.OrderCancelled)
    given(*before, e.CancelRequested(code=Code.CANCELLED)).when(cancel).then(e.OrderCancelled)
    given(*before).when(c.RecordClosedElsewhere()).then(e.OrderFailed)


def test_where_a_fork_took_the_guard_back_its_own_transaction_tells() -> None:
    """In its time a swap; later a cancel, or for one that may rest a swap within its limit, and then it rests."""
    given(*MARKET).when(quoted(quote())).then(e.OrderRouted)
    market, limit, gtd = fold(MARKET), fold(RESTS), fold(GTD)
    assert market and limit and gtd
    assert (next_step(market, NOW), next_step(market, LATE)) == ("route", "request_cancel")
    assert (next_step(limit, LATE), next_step(gtd, LATE)) == ("route", "request_cancel")
    routes = quoted(quote(), now=LATE + timedelta(hours=1))
    [route] = given(*RESTS).when(routes).then(e.OrderRouted)
    given(*RESTS, route).when(build(now=routes.now, minimum=10**9)).then(e.TransactionBuilt)


def test_one_whose_own_cancel_took_the_guard_in_the_end_does_not_say_that_another_had() -> None:
    cancel = built().model_copy(update={"purpose": "cancel", "minimum_out": 0})
    overdue = (*MARKET, e.CancelRequested(code=Code.DEADLINE_PASSED), cancel)
    order = fold(overdue)
    assert order
    landed = landing(1, "finalized")
    [_, failed] = decide(order, landed)
    assert isinstance(failed, e.OrderFailed) and failed.code == Code.DEADLINE_PASSED
