"""Orders on paper: filled at real quotes, and never by a chain."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain import commands as c
from domain import events as e
from domain.decide import decide
from domain.evolve import fold
from domain.log_behind import ForeignTransactionFound
from domain.order import Order
from domain.tokens import SOL, USDC
from tests.unit.domain.scenario import LATE, NOW, build, given, quote, quoted, routed, submit, submitted


def on_paper(**changes: Any) -> tuple[e.OrderEvent, ...]:
    return tuple(decide(None, replace(submit(**changes), paper=True)))


def fill(*quotes: Any, now: Any = NOW) -> c.FillOnPaper:
    return c.FillOnPaper(quoted(*quotes, now=now))


def filled() -> Order:
    events = on_paper()
    order = fold((*events, *decide(fold(events), fill(quote()))))
    assert order is not None
    return order


def test_it_is_filled_at_the_best_quote_without_slippage_and_no_transaction_stands_behind_it() -> None:
    events = given(*on_paper()).when(fill(quote(), quote(out=225_000_000, venue="Orca")))
    _, paper = events.then(e.OrderRouted, e.PaperFilled)
    assert isinstance(paper, e.PaperFilled)
    assert (paper.venue, paper.amount_in, paper.amount_out) == ("Orca", 1_500_000_000, 225_000_000)
    assert paper.executed_price == Decimal(150)
    order = filled()
    assert order.status == "confirmed"
    assert (order.fill, order.attempts, order.guard_taken_by) == (None, (), None)


def test_where_no_quote_is_taken_it_goes_as_a_real_order_would() -> None:
    given(*on_paper()).when(fill()).then()
    given(*on_paper()).when(fill(now=LATE)).then(e.OrderFailed)


def test_a_limit_order_rests_by_a_quote_that_misses_its_limit() -> None:
    seen = e.Observation(source="pools", pair="SOL/USDC", slot=1, touch=Decimal(160), observed_at=NOW)
    waiting = on_paper(deadline=None, type="limit", limit_price=Decimal(155))
    triggered = decide(fold(waiting), c.ObservePrice(seen, met_at_size=True, now=NOW))
    given(*waiting, *triggered).when(fill(quote())).then(e.OrderRested)


def test_a_real_order_is_never_filled_on_paper() -> None:
    given(*submitted()).when(fill(quote())).then_refused("not_on_paper")


@pytest.mark.parametrize("purpose", ["swap", "cancel"])
def test_nothing_is_ever_signed_for_an_order_on_paper(purpose: e.Purpose) -> None:
    events = (*on_paper(), routed())
    if purpose == "cancel":
        events = (*events, e.CancelRequested(code="cancelled"))
    given(*events).when(replace(build(), purpose=purpose)).then_refused("paper_order")


def test_its_end_is_its_end() -> None:
    order = filled()
    for command in (c.RequestCancel(), c.DiscardOrder(), fill(quote()), c.GiveUp("deadline_passed", "", LATE)):
        with pytest.raises(Exception, match=r"The order is confirmed|has moved on|not being executed|not routing"):
            decide(order, command)


def test_a_real_swap_under_its_id_never_counts_as_its_own() -> None:
    found = ForeignTransactionFound(
        order_id=UUID("01900000-0000-7000-8000-000000000001"),
        attempt=1,
        purpose="swap",
        signature="other",
        wallet="wallet",
        slot=9,
        fee_lamports=5_000,
        paid={SOL.mint: 1_500_000_000},
        received={USDC.mint: 224_000_000},
        failed=False,
        genesis_hash="genesis",
        guard="guard",
        guard_rent_lamports=2_039_280,
    )
    (failed,) = given(*on_paper()).when(c.RecordElsewhere(found)).then(e.OrderFailed)
    assert isinstance(failed, e.OrderFailed)
    assert (failed.code, failed.tx_hash) == ("executed_elsewhere", "other")


def test_a_log_that_knows_no_paper_folds_and_is_written_as_before() -> None:
    (real, *_) = submitted()
    assert "paper" not in real.model_dump(by_alias=True)
    order = fold(submitted())
    assert order is not None
    assert not {"paper", "paper_fill"} & order.model_dump().keys()
    assert fold(on_paper(deadline=NOW + timedelta(seconds=1))).paper  # type: ignore[union-attr]
