"""Several transactions of one order at a time: swaps that join others, and cancels. One of them succeeds at most."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain import commands as c
from domain import events as e
from domain.codes import Code
from domain.evidence import GuardTaken
from domain.evolve import evolve, fold
from domain.next_step import next_step
from domain.order import Order
from domain.priority import FIRST_PRICE, outbids, priority_of
from tests.unit.domain.scenario import (
    LATE,
    NOW,
    build,
    built,
    evidence,
    expired,
    given,
    landing,
    quote,
    quoted,
    routed,
    sent,
    submitted,
)

ONE = (*submitted(), routed(), built(), sent())
TWO = (*ONE, routed(), built(2), sent(2))
REQUESTED = e.CancelRequested(code="cancelled")
DEADLINE = e.CancelRequested(code="deadline_passed")


def cancel(attempt: int = 2) -> c.RecordBuilt:
    return replace(build(attempt), purpose="cancel", minimum_out=0)


def cancel_built(attempt: int = 2) -> e.TransactionBuilt:
    return built(attempt).model_copy(update={"purpose": "cancel", "minimum_out": 0})


def joined(attempt: int = 2, **changes: object) -> c.ReplaceSwap:
    return c.ReplaceSwap(quoted(quote()), replace(build(attempt), **changes))  # type: ignore[arg-type]


def folded(*events: e.OrderEvent) -> Order:
    order = fold(events)
    assert order is not None
    return order


def taken(attempt: int, by: str) -> c.RecordExpiry:
    return c.RecordExpiry(attempt, GuardTaken(taken_by=by, slot=130, shown_by=("127.0.0.1",)), NOW)


def test_a_sent_swap_is_joined_by_another_in_one_go_and_the_order_stays_submitted() -> None:
    given(*ONE).when(joined()).then(e.OrderRouted, e.TransactionBuilt)
    assert folded(*ONE, routed(), built(2)).status == "submitted"
    assert [attempt.number for attempt in folded(*TWO).live_attempts] == [1, 2]


def test_at_most_three_swaps_are_live_and_none_joins_one_that_was_not_sent() -> None:
    three = (*TWO, routed(), built(3), sent(3))
    given(*TWO).when(joined(3)).then(e.OrderRouted, e.TransactionBuilt)
    given(*three).when(joined(4)).then_refused("not_applicable")
    given(*TWO, routed(), built(3)).when(joined(4)).then_refused("not_applicable")
    assert next_step(folded(*three), NOW) is None


def test_no_swap_joins_with_another_guard_or_below_the_minimum_or_past_the_deadline() -> None:
    given(*ONE).when(joined(guard="another")).then_refused("another_guard")
    given(*ONE).when(joined(minimum_out=1)).then_refused("minimum_too_low")
    given(*ONE).when(joined(now=LATE)).then_refused("not_applicable")
    given(*ONE).when(c.ReplaceSwap(quoted(quote(out=222_000_000)), build(2))).then_refused("not_applicable")


def test_what_is_said_of_one_attempt_leaves_the_order_to_the_other() -> None:
    given(*TWO).when(c.RecordExpiry(1, evidence(), NOW)).then(e.AttemptExpired)
    assert folded(*TWO, expired()).status == "submitted"
    given(*TWO).when(landing(1, "finalized", "insufficient_funds")).then(e.AttemptRejected)
    given(*TWO, expired()).when(c.RecordExpiry(2, evidence(), LATE)).then(e.AttemptExpired, e.OrderFailed)


def test_the_first_to_land_confirms_and_the_loser_ends_by_the_guard_or_its_fee_is_added() -> None:
    (confirmed,) = given(*TWO).when(landing(1)).then(e.OrderConfirmed)
    given(*TWO, confirmed).when(taken(2, "signature-1")).then(e.AttemptExpired)
    given(*TWO, confirmed).when(taken(2, "another")).then_refused("evidence_incomplete")
    (rejected,) = given(*TWO, confirmed).when(landing(2, "finalized", "guard_taken")).then(e.AttemptRejected)
    order = folded(*TWO, confirmed, rejected)
    assert (order.status, order.fill and order.fill.network_fee_lamports) == ("confirmed", 10_000)


def test_a_loser_by_the_word_of_one_endpoint_of_two_is_followed_on_and_a_fee_it_cost_still_counts() -> None:
    (confirmed,) = given(*TWO).when(landing(1)).then(e.OrderConfirmed)
    alone = replace(
        taken(2, "signature-1"), evidence=GuardTaken(taken_by="signature-1", slot=130, shown_by=("a",), configured=2)
    )
    both = replace(alone, evidence=alone.evidence.model_copy(update={"shown_by": ("a", "b")}))
    (expired_alone,) = given(*TWO, confirmed).when(alone).then(e.AttemptExpired)
    history = (*TWO, confirmed, expired_alone)
    given(*history).when(alone).then_refused("not_applicable")
    given(*history).when(landing(2, "finalized", "guard_taken")).then(e.AttemptRejected)
    (proven,) = given(*history).when(both).then(e.AttemptExpired)
    given(*history, proven).when(both).then_refused("not_applicable")


def test_a_second_success_is_a_contradiction() -> None:
    (confirmed,) = given(*TWO).when(landing(1)).then(e.OrderConfirmed)
    given(*TWO, confirmed).when(landing(2)).then_refused("landed_after_end")


def test_an_order_that_nothing_was_built_for_is_cancelled_at_once() -> None:
    given(*submitted()).when(c.RequestCancel(by="me", because="sold")).then(e.CancelRequested, e.OrderCancelled)
    given(*submitted(), routed()).when(c.RequestCancel()).then(e.CancelRequested, e.OrderCancelled)
    ended = (*submitted(), REQUESTED, e.OrderCancelled(code="cancelled", detail=""))
    given(*ended).when(c.RequestCancel()).then_refused("not_applicable")
    given(*ended).when(quoted(quote())).then_refused("not_applicable")


def test_a_live_order_waits_for_the_chain_and_gets_no_other_swap() -> None:
    given(*ONE).when(c.RequestCancel()).then(REQUESTED)
    asked = (*ONE, REQUESTED)
    assert folded(*asked).status == "submitted"
    given(*asked).when(c.RequestCancel()).then_refused("not_applicable")
    given(*asked).when(joined()).then_refused("not_applicable")
    given(*asked, expired()).when(quoted(quote())).then_refused("not_applicable")
    given(*asked).when(cancel()).then(e.TransactionBuilt)
    given(*ONE).when(cancel()).then_refused("not_applicable")
    given(*asked, *(cancel_built(number) for number in (2, 3, 4))).when(cancel(5)).then_refused("not_applicable")


def test_a_cancel_ends_the_order_once_it_is_finalized() -> None:
    asked = (*ONE, REQUESTED, cancel_built(), sent(2))
    given(*asked).when(landing(2, "confirmed")).then_refused("not_applicable")
    (cancelled,) = given(*asked).when(landing(2, "finalized")).then(e.OrderCancelled)
    order = folded(*asked, cancelled)
    assert order.status == "cancelled"
    assert order.cancellation is not None
    assert (order.cancellation.tx_hash, order.cancellation.network_fee_lamports) == ("signature-2", 5_000)
    given(*asked, cancelled).when(taken(1, "signature-2")).then(e.AttemptExpired)
    given(*asked, cancelled).when(landing(2, "finalized")).then_refused("not_applicable")
    given(*asked, cancelled).when(landing(2, "finalized", "guard_taken")).then_refused("not_applicable")
    given(*asked, cancelled).when(landing(1)).then_refused("landed_after_end")
    given(*asked, cancelled).when(landing(2, "finalized")).then_refused("not_applicable")


def test_a_swap_that_was_faster_than_the_cancel_confirms() -> None:
    asked = (*ONE, REQUESTED, cancel_built(), sent(2))
    (confirmed,) = given(*asked).when(landing(1)).then(e.OrderConfirmed)
    given(*asked, confirmed).when(taken(2, "signature-1")).then(e.AttemptExpired)


def test_a_cancel_that_was_asked_for_by_the_deadline_fails_the_order() -> None:
    asked = (*ONE, DEADLINE, cancel_built(), sent(2))
    (failed,) = given(*asked).when(landing(2, "finalized")).then(e.OrderFailed)
    assert isinstance(failed, e.OrderFailed)
    assert (failed.code, failed.evidence and failed.evidence.signature) == (Code.DEADLINE_PASSED, "signature-2")


def test_evidence_of_all_attempts_ends_what_is_to_be_cancelled_where_no_cancel_lands() -> None:
    asked = (*ONE, REQUESTED, cancel_built(), sent(2))
    (one,) = given(*asked).when(c.RecordExpiry(1, evidence(), NOW)).then(e.AttemptExpired)
    given(*asked, one).when(c.RecordExpiry(2, evidence(), NOW)).then(e.AttemptExpired, e.OrderCancelled)
    alone = evidence(configured=2)
    (two,) = given(*ONE, REQUESTED).when(c.RecordExpiry(1, alone, LATE)).then(e.AttemptExpired)
    assert next_step(folded(*ONE, REQUESTED, two), LATE) == "cancel"


@pytest.mark.parametrize(
    ("events", "now", "step"),
    [
        (submitted(), NOW, "route"),
        ((*submitted(), routed()), NOW, "route"),
        ((*submitted(), routed(), built()), NOW, "send"),
        (ONE, NOW, "replace"),
        (ONE, LATE, "request_cancel"),
        ((*ONE, DEADLINE), LATE, "cancel"),
        ((*ONE, DEADLINE, cancel_built()), LATE, "send"),
        ((*ONE, DEADLINE, cancel_built(), sent(2)), LATE, "cancel"),
        ((*ONE, expired()), NOW, "route"),
        (submitted(), LATE, "route"),
    ],
)
def test_the_next_step(events: tuple[e.OrderEvent, ...], now: object, step: str | None) -> None:
    assert next_step(folded(*events), now) == step  # type: ignore[arg-type]


def test_a_limit_order_rests_past_its_deadline_and_is_not_cancelled() -> None:
    order = folded(*ONE).model_copy(update={"type": "limit", "deadline": NOW})
    assert next_step(order, NOW + timedelta(seconds=1)) is None


def test_each_joining_attempt_offers_twice_as_much_and_never_more_than_the_order_may() -> None:
    order, offered = folded(*ONE), []
    for number in (2, 3, 4, 5):
        priority = priority_of(order, 100_000, 6_000)
        offered.append((priority.price, priority.lamports, outbids(order, priority)))
        paid = {"compute_unit_price": priority.price, "priority_fee_lamports": priority.lamports}
        order = evolve(evolve(order, routed()), built(number).model_copy(update=paid))
    assert offered == [(FIRST_PRICE, 1_000, True), (20_000, 2_000, True), (30_000, 3_000, True), (0, 0, False)]


def test_the_first_attempt_offers_nothing_and_a_lone_later_one_what_the_dearest_did() -> None:
    first = priority_of(folded(*submitted(), routed()), 100_000, 10_000)
    assert (first.price, first.lamports, outbids(folded(*submitted()), first)) == (0, 0, True)
    dear = built(2).model_copy(update={"compute_unit_price": 40_000, "priority_fee_lamports": 4_000})
    again = folded(*ONE, routed(), dear, expired(), expired(2))
    assert priority_of(again, 100_000, 10_000).price == 40_000
    assert priority_of(again, 100_000, 4_001).lamports == 1


def test_what_one_endpoint_alone_called_expired_may_still_fail_at_a_fee_after_the_order_s_end() -> None:
    alone = evidence(configured=2)
    (gone,) = given(*TWO).when(c.RecordExpiry(1, alone, NOW)).then(e.AttemptExpired)
    (confirmed,) = given(*TWO, gone).when(landing(2)).then(e.OrderConfirmed)
    ended = (*TWO, gone, confirmed)
    (rejected,) = given(*ended).when(landing(1, "finalized", "guard_taken")).then(e.AttemptRejected)
    order = folded(*ended, rejected)
    assert (order.status, order.fill and order.fill.network_fee_lamports) == ("confirmed", 10_000)
    (proven,) = given(*ended).when(taken(1, "signature-2")).then(e.AttemptExpired)
    assert folded(*ended, proven).attempts[0].proven
    given(*ended, proven).when(taken(1, "signature-2")).then_refused("not_applicable")


def test_a_hint_leaves_enough_for_two_that_join_at_twice_the_price_each() -> None:
    order, units, most = folded(*submitted(), routed()), 100_000, 700
    first = priority_of(order, units, most, hint=10**9)
    assert first.lamports == 100
    assert priority_of(order, units, most, hint=500).price == 500
    assert priority_of(order, units, most).price == 0
