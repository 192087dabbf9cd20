"""When a guard may be closed, what a reclaim's stream comes to, and how guards are put together."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain import events as e
from domain.decide import decide
from domain.evolve import fold
from domain.order import Order
from domain.reclaim import (
    ENDS,
    GuardedOrder,
    Reclaim,
    batches,
    is_maker_known,
    kept_for,
    may_have_guard,
    reclaim,
    record_end,
    rent_in_guard,
)
from domain.reclaim_events import GuardToClose, ReclaimBuilt, ReclaimExpired, ReclaimFailed, ReclaimLanded
from tests.unit.domain.scenario import NOW, built, landing, routed, sent, submitted

KEEP = timedelta(days=7)
SENT = (*submitted(), routed(), built(), sent())
CONFIRMED = (*SENT, *decide(fold(SENT), landing()))
FAILED = e.OrderFailed(code="no_venue", detail="No venue trades this pair.", retryable=False)
PAST = 251


def of(*events: e.OrderEvent) -> Order:
    order = fold(events)
    assert order is not None
    return order


def ended(*events: e.OrderEvent, at: datetime = NOW, number: int = 1) -> GuardedOrder:
    return GuardedOrder(UUID(int=number), of(*events), at)


def kept(*sharing: GuardedOrder, after: timedelta = KEEP, height: int = PAST) -> str | None:
    found = kept_for(sharing, keep=KEEP, now=NOW + after, height=height)
    return found and found.reason


def test_a_guard_may_be_closed_once_its_time_is_over() -> None:
    assert kept(ended(*CONFIRMED)) is None


def test_before_its_time_is_over_it_is_kept_until_then() -> None:
    early = kept_for([ended(*CONFIRMED)], keep=KEEP, now=NOW + KEEP - timedelta(seconds=1), height=PAST)
    assert early is not None
    assert early.until == NOW + KEEP


def test_its_time_counts_from_the_last_event_of_all_that_share_it() -> None:
    later = NOW + timedelta(hours=1)
    assert kept(ended(*CONFIRMED), ended(*CONFIRMED, at=later, number=2)) is not None
    assert kept(ended(*CONFIRMED), ended(*CONFIRMED, at=later, number=2), after=KEEP + timedelta(hours=1)) is None


def test_one_that_has_not_ended_keeps_the_guard_of_all_that_share_it() -> None:
    found = kept(ended(*CONFIRMED), ended(*submitted(), number=2))
    assert found == f"order {UUID(int=2)} has not ended"


def test_an_attempt_that_may_still_land_keeps_it() -> None:
    loser = of(*CONFIRMED).model_copy(update={"attempts": (*of(*CONFIRMED).attempts, *of(*SENT).attempts)})
    assert "has no end yet" in (kept(replace(ended(*CONFIRMED), order=loser)) or "")


@pytest.mark.parametrize("height", [0, 249, 250])
def test_an_attempt_that_is_not_past_its_height_keeps_it(height: int) -> None:
    assert "not past its height" in (kept(ended(*CONFIRMED), height=height) or "")


def test_the_maker_of_a_guard_is_the_swap_the_cancel_or_one_from_elsewhere() -> None:
    elsewhere = FAILED.model_copy(update={"code": "executed_elsewhere", "tx_hash": "another"})
    assert is_maker_known(of(*CONFIRMED))
    assert is_maker_known(of(*submitted(), elsewhere))
    assert not is_maker_known(of(*submitted(), FAILED))


def test_every_end_of_an_order_is_an_end_for_its_guard() -> None:
    assert {e.OrderConfirmed.TOPIC, e.OrderFailed.TOPIC, e.OrderCancelled.TOPIC, e.PaperFilled.TOPIC} == ENDS


def test_the_rent_is_what_the_end_says_of_it() -> None:
    confirmed = CONFIRMED[-1]
    cancel = e.CancelEvidence(
        attempt=1, signature="s", slot=1, network_fee_lamports=5_000, guard_rent_lamports=2_039_280
    )
    assert rent_in_guard(confirmed) == 2_039_280
    assert rent_in_guard(e.OrderCancelled(code="cancelled", detail="", evidence=cancel)) == 2_039_280
    assert rent_in_guard(FAILED) is None
    from_before_guards = confirmed.model_copy(update={"guard_rent_lamports": None})
    assert [may_have_guard(event) for event in (confirmed, FAILED, from_before_guards)] == [True, True, False]
    assert may_have_guard(from_before_guards.model_copy(update={"because": "an operator said so"}))


BUILT = ReclaimBuilt(
    transaction="AAAA",
    signature="reclaim-1",
    wallet="wallet",
    memo="memo",
    genesis_hash="genesis",
    blockhash="blockhash",
    last_valid_block_height=250,
    height=100,
    guards=tuple(GuardToClose(guard=f"guard-{n}", order_ids=(UUID(int=n),), lamports=2_039_280) for n in (1, 2)),
)
LANDED = ReclaimLanded(signature="reclaim-1", slot=7, lamports=4_078_560, tokens=0, fee_lamports=10_000)
REJECTED = ReclaimFailed(signature="reclaim-1", slot=7, code="program_error", detail="{}", fee_lamports=10_000)


def expired(**changes: Any) -> ReclaimExpired:
    return ReclaimExpired(**{"signature": "reclaim-1", "height": 251, "guard": "guard-2", **changes})


def test_a_reclaim_is_on_its_way_until_its_end() -> None:
    assert reclaim([]) is None
    assert reclaim([BUILT]) == Reclaim(BUILT)
    assert reclaim([BUILT, LANDED]) == Reclaim(BUILT, LANDED)
    assert Reclaim(BUILT).order_ids == (UUID(int=1), UUID(int=2))
    with pytest.raises(ValueError, match="can't follow"):
        reclaim([LANDED])


def test_an_understated_last_height_does_not_make_it_expire_earlier() -> None:
    assert Reclaim(BUILT.model_copy(update={"last_valid_block_height": 1})).lands_until == 250


@pytest.mark.parametrize("end", [LANDED, REJECTED, expired()])
def test_its_end_is_recorded_once(end: ReclaimLanded | ReclaimFailed | ReclaimExpired) -> None:
    assert record_end(Reclaim(BUILT), end) == [end]
    assert record_end(Reclaim(BUILT, LANDED), end) == []


@pytest.mark.parametrize("end", [expired(height=250), expired(guard="guard-3"), expired(signature="another")])
def test_it_expires_by_a_guard_of_its_own_past_its_last_height_alone(end: ReclaimExpired) -> None:
    with pytest.raises(ValueError, match=r"no proof|another reclaim"):
        record_end(Reclaim(BUILT), end)


def test_guards_go_together_by_how_large_a_reclaim_each_may_be_in() -> None:
    assert batches([]) == []
    assert batches([2, 2, 2, 1, 2, 1]) == [[0, 1], [3], [2, 4], [5]]
    assert batches([3, 21, 3]) == [[0, 2], [1]]


def test_the_signed_bytes_of_a_reclaim_are_secret() -> None:
    assert ReclaimBuilt.secret == {"transaction"}
