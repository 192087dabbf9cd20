"""An order of which the chain shows a success that this log did not sign: it ends as the chain has it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain import commands as c
from domain import events as e
from domain.decide import decide
from domain.errors import LandedAfterEndError
from domain.evidence import ExpiryEvidence, GuardTaken
from domain.evolve import fold
from domain.log_behind import ForeignTransactionFound, LogFoundBehind, LogRecovered, WalletHistoryRead, history_read
from domain.tokens import SOL, USDC
from tests.unit.domain.scenario import NOW, built, evidence, given, landing, routed, sent, submitted

ROUTED = (*submitted(), routed())
ON_ITS_WAY = (*ROUTED, built(), sent())
LIMIT: dict[str, Any] = {"type": "limit", "limit_price": Decimal(140), "deadline": None}


def elsewhere(**changes: object) -> c.RecordElsewhere:
    """A swap of the order's 1.5 SOL, which another engine signed as its own first attempt."""
    told: dict[str, Any] = {
        "order_id": UUID(int=1),
        "attempt": 1,
        "purpose": "swap",
        "signature": "elsewhere",
        "slot": 130,
        "wallet": "wallet",
        "genesis_hash": "genesis",
        "failed": False,
        "paid": {SOL.mint: 1_500_000_000},
        "received": {USDC.mint: 224_000_000},
        "fee_lamports": 5_000,
        "guard": "guard",
        "guard_rent_lamports": 2_039_280,
    }
    return c.RecordElsewhere(ForeignTransactionFound(**{**told, **changes}))


@pytest.mark.parametrize(
    "before", [submitted(), ROUTED, ON_ITS_WAY, submitted(**LIMIT)], ids=["new", "routed", "sent", "waits"]
)
def test_a_swap_within_the_orders_terms_confirms_it_wherever_it_stands(before: tuple[e.OrderEvent, ...]) -> None:
    [confirmed] = given(*before).when(elsewhere()).then(e.OrderConfirmed)
    assert isinstance(confirmed, e.OrderConfirmed)
    assert (confirmed.tx_hash, confirmed.commitment, confirmed.venue) == ("elsewhere", "finalized", None)
    assert confirmed.executed_price == Decimal("149.333333333333333")
    order = fold((*before, confirmed))
    assert order and order.guard_taken_by == "elsewhere"


@pytest.mark.parametrize(
    "other",
    [
        {"paid": {SOL.mint: 1_400_000_000}},
        {"paid": {USDC.mint: 1_500_000_000}, "received": {SOL.mint: 224_000_000}},
        {"paid": {SOL.mint: 1_500_000_000, USDC.mint: 1}},
        {"received": {USDC.mint: 211_735_999}},
        {"received": {}},
        {"purpose": "cancel"},
    ],
    ids=["amount", "pair", "more was paid", "below the minimum", "nothing received", "a cancel that swaps"],
)
def test_what_the_order_did_not_ask_for_fails_it_and_is_named(other: dict[str, Any]) -> None:
    [failed] = given(*ROUTED).when(elsewhere(**other)).then(e.OrderFailed)
    assert isinstance(failed, e.OrderFailed)
    assert (failed.code, failed.retryable, failed.tx_hash) == ("executed_elsewhere", False, "elsewhere")


def test_a_minimum_that_the_logs_lost_end_may_have_widened_is_no_word_against_what_was_executed() -> None:
    """The first one is 222.88; where its venue proposed what was refused, it was 5 % less from then on."""
    for received in (222_879_999, 211_736_000):
        given(*ROUTED).when(elsewhere(received={USDC.mint: received})).then(e.OrderConfirmed)
    misquoted = e.BuildRejected(code="proposal_refused", detail="")
    given(*ROUTED, misquoted).when(elsewhere(received={USDC.mint: 211_736_000})).then(e.OrderConfirmed)
    given(*ROUTED, misquoted).when(elsewhere(received={USDC.mint: 211_735_999})).then(e.OrderFailed)


def test_a_limit_holds_for_what_was_executed_elsewhere_too() -> None:
    worse = elsewhere(received={USDC.mint: 209_999_999})
    given(*submitted(**LIMIT)).when(worse).then(e.OrderFailed)
    given(*submitted(**LIMIT)).when(elsewhere(received={USDC.mint: 210_000_000})).then(e.OrderConfirmed)


def test_a_cancel_elsewhere_cancels_the_order_and_costs_what_it_cost() -> None:
    cancel = elsewhere(purpose="cancel", attempt=2, paid={}, received={})
    requested, cancelled = given(*ON_ITS_WAY).when(cancel).then(e.CancelRequested, e.OrderCancelled)
    order = fold((*ON_ITS_WAY, requested, cancelled))
    assert order and order.cancellation and order.status == "cancelled"
    assert (order.cancellation.tx_hash, order.cancellation.network_fee_lamports) == ("elsewhere", 5_000)
    # As this log was asked to, where it was.
    late = e.CancelRequested(code="deadline_passed")
    given(*ON_ITS_WAY, late).when(cancel).then(e.OrderFailed)


def test_an_own_attempt_of_the_same_number_stays_live_and_ends_because_the_guard_is_taken() -> None:
    [confirmed] = given(*ON_ITS_WAY).when(elsewhere()).then(e.OrderConfirmed)
    order = fold((*ON_ITS_WAY, confirmed))
    assert order and [attempt.end for attempt in order.attempts] == [None]
    taken = GuardTaken(taken_by="elsewhere", slot=130, shown_by=("127.0.0.1",))
    given(*ON_ITS_WAY, confirmed).when(c.RecordExpiry(1, taken, NOW)).then(e.AttemptExpired)
    stranger = GuardTaken(taken_by="signature-9", slot=130, shown_by=("127.0.0.1",))
    given(*ON_ITS_WAY, confirmed).when(c.RecordExpiry(1, stranger, NOW)).then_refused("evidence_incomplete")
    # What it cost where it failed on the chain is the order's.
    rejected = landing(error="guard_taken", commitment="finalized")
    given(*ON_ITS_WAY, confirmed).when(rejected).then(e.AttemptRejected)


def test_it_is_recorded_once_and_a_failure_changes_nothing() -> None:
    [confirmed] = given(*ROUTED).when(elsewhere()).then(e.OrderConfirmed)
    given(*ROUTED, confirmed).when(elsewhere()).then_refused("not_applicable")
    given(*ROUTED).when(elsewhere(failed=True)).then_refused("not_applicable")
    own = elsewhere(signature="signature-1")
    given(*ON_ITS_WAY).when(own).then_refused("own_attempt")


def test_a_success_after_another_end_is_a_contradiction_but_for_a_cancel_of_what_did_not_swap() -> None:
    failed = e.OrderFailed(code="discarded", detail="given up", retryable=False)
    with pytest.raises(LandedAfterEndError) as after_failure:
        decide(fold((*ROUTED, failed)), elsewhere())
    assert after_failure.value.kind == "landed_after_end"
    cancel = elsewhere(purpose="cancel", paid={}, received={})
    given(*ROUTED, failed).when(cancel).then_refused("not_applicable")
    [confirmed] = decide(fold(ON_ITS_WAY), landing())
    with pytest.raises(LandedAfterEndError) as second:
        decide(fold((*ON_ITS_WAY, confirmed)), elsewhere())
    assert second.value.kind == "second_success"


@pytest.mark.parametrize("before", [submitted(), ROUTED, submitted(**LIMIT)], ids=["new", "routed", "waits"])
def test_one_whose_guard_was_closed_elsewhere_fails_for_good(before: tuple[e.OrderEvent, ...]) -> None:
    [failed] = given(*before).when(c.RecordClosedElsewhere()).then(e.OrderFailed)
    assert isinstance(failed, e.OrderFailed)
    assert (failed.code, failed.retryable, failed.tx_hash) == ("executed_elsewhere", False, None)
    given(*before, failed).when(c.RecordClosedElsewhere()).then_refused("not_applicable")
    # Which transaction that was may be shown later; it contradicts nothing.
    given(*before, failed).when(elsewhere()).then_refused("not_applicable")
    [confirmed] = given(*ROUTED).when(elsewhere()).then(e.OrderConfirmed)
    given(*ROUTED, confirmed).when(c.RecordClosedElsewhere()).then_refused("not_applicable")


def test_while_one_of_its_own_may_have_made_the_guard_that_takes_proof_that_none_did() -> None:
    one = evidence(configured=2)
    both = ExpiryEvidence(
        endpoints=(*one.endpoints, one.endpoints[0].model_copy(update={"endpoint": "other"})), configured=2
    )
    early = evidence(finalized_height=250)
    for missing in (None, one, early):
        given(*ON_ITS_WAY).when(c.RecordClosedElsewhere(missing)).then_refused("evidence_incomplete")
    given(*ON_ITS_WAY).when(c.RecordClosedElsewhere(both)).then(e.OrderFailed)
    given(*ON_ITS_WAY).when(c.RecordClosedElsewhere(evidence())).then(e.OrderFailed)
    # What one endpoint alone has said to be over may have succeeded, too.
    alone = given(*ON_ITS_WAY).when(c.RecordExpiry(1, one, NOW)).then(e.AttemptExpired)
    given(*ON_ITS_WAY, *alone).when(c.RecordClosedElsewhere()).then_refused("evidence_incomplete")
    proven = given(*ON_ITS_WAY).when(c.RecordExpiry(1, both, NOW)).then(e.AttemptExpired)
    given(*ON_ITS_WAY, *proven).when(c.RecordClosedElsewhere()).then(e.OrderFailed)


def test_the_history_counts_as_read_until_the_log_is_found_behind_again() -> None:
    behind = LogFoundBehind(reason="it was", epoch=2, ended_at=3, witnessed=None)
    read = WalletHistoryRead(epoch=2, wallet="wallet", height=400, endpoints=("one",), executed=1)
    recovered = LogRecovered(epoch=2, kept=(), cancelled=(), by="me", because="so")
    assert history_read([behind]) is None
    assert history_read([behind, read]) == read
    assert history_read([behind, read, recovered, behind]) is None
