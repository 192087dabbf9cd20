"""What a confirmed order is said to be once no fork can undo it."""

from __future__ import annotations

from typing import Any

from domain import commands as c
from domain import events as e
from domain.evidence import GuardTaken
from domain.evolve import fold
from domain.order import Order
from tests.unit.domain.scenario import NOW, build, built, given, landing, routed, sent, submitted

ONE = (*submitted(), routed(), built(), sent())
TWO = (*ONE, routed(), built(2), sent(2))
CANCEL = built(2).model_copy(update={"purpose": "cancel", "minimum_out": 0})


def folded(*events: e.OrderEvent) -> Order:
    order = fold(events)
    assert order is not None
    return order


def confirmed(*history: e.OrderEvent, **changes: Any) -> tuple[e.OrderEvent, ...]:
    found = landing(1)
    because = changes.pop("because", None)
    said = c.RecordLanding(1, found.landing.model_copy(update=changes), NOW, because=because)
    return (*history, *given(*history).when(said).then(e.OrderConfirmed))


def final(attempt: int = 1, configured: int = 1, shown_by: tuple[str, ...] = ("a", "b"), **changes: Any) -> Any:
    found = landing(attempt, "finalized").landing
    return c.RestateOutcome(
        attempt, found.model_copy(update={"shown_by": shown_by, "configured": configured, **changes})
    )


def restated(*history: e.OrderEvent, by: c.RestateOutcome) -> tuple[Order, e.OrderRestated]:
    (event,) = given(*history).when(by).then(e.OrderRestated)
    assert isinstance(event, e.OrderRestated)
    return folded(*history, event), event


def test_what_is_final_as_it_was_confirmed_is_not_recorded_again() -> None:
    given(*confirmed(*ONE)).when(final()).then_refused("not_applicable")


def test_another_slot_and_other_amounts_are_restated_and_the_order_stays_confirmed() -> None:
    order, event = restated(*confirmed(*ONE), by=final(slot=121))
    assert (event.reason, event.instead_of, event.commitment) == ("other_slot", "signature-1", "finalized")
    assert (order.status, order.fill and order.fill.slot, order.is_settled) == ("confirmed", 121, True)

    order, event = restated(*confirmed(*ONE), by=final(slot=121, amount_out=223_000_000))
    assert event.reason == "other_amounts"
    assert order.fill
    assert (order.fill.amount_out, str(order.fill.executed_price)) == (223_000_000, "148.666666666666667")
    given(*confirmed(*ONE)).when(final(amount_out=1)).then_refused("amounts_out_of_bounds")


def test_a_sibling_that_landed_in_its_place_is_the_swap_and_what_was_confirmed_loses_by_the_guard() -> None:
    history = confirmed(*TWO)
    order, event = restated(*history, by=final(2, slot=125))
    assert (event.reason, event.attempt, event.instead_of) == ("another_attempt", 2, "signature-1")
    assert order.fill
    assert (order.fill.tx_hash, order.fill.slot) == ("signature-2", 125)
    assert [attempt.end for attempt in order.attempts] == [None, "confirmed"]
    taken = GuardTaken(taken_by="signature-2", slot=125, shown_by=("a",))
    given(*history, event).when(c.RecordExpiry(1, taken, NOW)).then(e.AttemptExpired)
    lost = given(*history, event).when(landing(1, "finalized", "guard_taken")).then(e.AttemptRejected)
    after = folded(*history, event, *lost)
    assert (after.status, after.fill and after.fill.network_fee_lamports) == ("confirmed", 10_000)


def test_the_cancel_that_landed_in_its_place_ends_the_order_as_why_it_was_cancelled() -> None:
    ends = (("cancelled", e.OrderCancelled, "cancelled"), ("deadline_passed", e.OrderFailed, "failed"))
    for code, end, status in ends:
        history = confirmed(*ONE, e.CancelRequested(code=code), CANCEL, sent(2))
        event, ended = given(*history).when(final(2)).then(e.OrderRestated, end)
        assert isinstance(event, e.OrderRestated)
        assert (event.reason, event.tx_hash, event.amount_out) == ("cancel", "signature-2", None)
        assert folded(*history, event).status == "confirmed"
        order = folded(*history, event, ended)
        assert (order.status, order.fill, order.cancellation and order.cancellation.tx_hash) == (
            status,
            None,
            "signature-2",
        )
        assert [attempt.end for attempt in order.attempts] == [None, "cancelled"]
        given(*history, event, ended).when(landing(1)).then_refused("landed_after_end")


def test_a_second_success_after_one_that_is_settled_is_a_contradiction() -> None:
    _, event = restated(*confirmed(*TWO), by=final(slot=121))
    given(*confirmed(*TWO), event).when(final(2)).then_refused("landed_after_end")
    settled = confirmed(*TWO, commitment="finalized")
    given(*settled).when(final(2)).then_refused("landed_after_end")


def test_where_two_endpoints_are_configured_one_alone_restates_nothing() -> None:
    one = final(slot=121, configured=2, shown_by=("a",))
    given(*confirmed(*ONE)).when(one).then_refused("evidence_incomplete")
    restated(*confirmed(*ONE), by=final(slot=121, configured=2))
    of_a_fork = c.RestateOutcome(1, landing(1).landing.model_copy(update={"slot": 121, "shown_by": ("a",)}))
    given(*confirmed(*ONE)).when(of_a_fork).then_refused("evidence_incomplete")


def test_an_operators_word_is_put_right_by_the_chain_though_it_counted_as_final() -> None:
    said = confirmed(*TWO, commitment="finalized", amount_out=223_000_000, because="an explorer")
    assert (folded(*said).is_finalized, folded(*said).is_settled) == (True, False)
    order, event = restated(*said, by=final())
    assert event.reason == "other_amounts"
    assert (order.is_settled, order.fill and order.fill.by_operator) == (True, False)
    order, event = restated(*said, by=final(2))
    assert event.reason == "another_attempt"


def test_only_a_confirmed_order_is_restated() -> None:
    given(*ONE).when(final()).then_refused("not_applicable")
    given(*confirmed(*ONE)).when(final(2)).then_refused("unknown_attempt")
    given(*confirmed(*ONE)).when(build(2)).then_refused("not_applicable")
