"""A TWAP: split exactly, never in a burst, and what may be said of it when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.commands import SubmitOrder
from domain.decide import decide
from domain.errors import DomainError
from domain.evolve import fold
from domain.terms import OrderTerms
from domain.tokens import SOL, USDC
from domain.twap import Twap, cancel, pause, refuse_slice, resume, twap
from domain.twap_events import SliceRefused, TwapCancelled, TwapPaused, TwapResumed, TwapSubmitted
from domain.twap_schedule import next_due, require_sliceable, slice_amount, slice_id
from tests.unit.domain.scenario import NOW

EVERY = timedelta(seconds=3)
LIST = UUID(int=7)


def terms(**changes: Any) -> OrderTerms:
    usual: dict[str, Any] = {
        "type": "market", "token_in": SOL, "token_out": USDC, "amount_in": 1_000_000_007,
        "slippage_bps": 50, "slippage_defaulted": True,
    }  # fmt: skip
    return OrderTerms(**{**usual, **changes})


def submitted(**changes: Any) -> TwapSubmitted:
    usual: dict[str, Any] = {
        "client_list_id": "t-1", "order": terms(), "slices": 20, "every_ms": 3_000, "network": "localnet",
    }  # fmt: skip
    return TwapSubmitted(**{**usual, **changes})


def state(*events: Any) -> Twap:
    return twap(LIST, [submitted(), *events])


PAUSED, RESUMED, CANCELLED = TwapPaused(by="me"), TwapResumed(by="me"), TwapCancelled(by="me")
REFUSED = SliceRefused(slice=3, code="open_orders_exceeded", detail="Too many.")


@pytest.mark.parametrize(("total", "slices"), [(1_000_000_007, 20), (20, 20), (39, 20), (2**64 - 1, 1_000), (7, 2)])
def test_the_slices_come_to_the_whole_and_the_last_ones_carry_the_rest(total: int, slices: int) -> None:
    amounts = [slice_amount(total, slices, number) for number in range(1, slices + 1)]
    assert sum(amounts) == total
    assert amounts == sorted(amounts) and amounts[-1] - amounts[0] <= 1
    assert amounts.count(total // slices + 1) == total % slices


def test_a_slice_has_the_same_id_whenever_it_is_submitted_and_no_other_has_it() -> None:
    known = state()
    assert known.order_ids == [slice_id(LIST, number) for number in range(1, 21)]
    assert len({*known.order_ids, *(slice_id(UUID(int=8), number) for number in range(1, 21))}) == 40


def test_a_slice_has_the_terms_of_the_whole_but_its_amount() -> None:
    assert state().terms(20) == terms(amount_in=50_000_001)
    assert state().terms(1) == terms(amount_in=50_000_000)


@pytest.mark.parametrize(
    ("late", "next_after"), [(0.0, 3.0), (1.4, 3.0), (1.5, 4.5), (3.0, 6.0), (600.0, 603.0)]
)  # fmt: skip
def test_a_slice_that_is_late_moves_those_that_follow_so_that_none_comes_in_a_burst(
    late: float, next_after: float
) -> None:
    submitted_at = NOW + timedelta(seconds=late)
    due = next_due(NOW, EVERY, submitted_at)
    assert due == NOW + timedelta(seconds=next_after)
    assert due - submitted_at >= EVERY / 2


@pytest.mark.parametrize(
    ("order", "slices", "every_ms", "code"),
    [
        (terms(), 1, 3_000, "invalid_slices"),
        (terms(), 1_001, 3_000, "invalid_slices"),
        (terms(), 1_000_000, 3_000, "invalid_slices"),
        (terms(), 20, 999, "invalid_every_ms"),
        (terms(), 20, 86_400_001, "invalid_every_ms"),
        (terms(type="stop", stop_price="1"), 20, 3_000, "not_sliceable"),
        (terms(type="trailing-stop", trail_bps=5), 20, 3_000, "not_sliceable"),
        (terms(time_in_force="gtd", expires_at=NOW), 20, 3_000, "not_sliceable"),
        (terms(client_order_id="a"), 20, 3_000, "not_sliceable"),
        (terms(amount_in=0, amount_out=10**9), 20, 3_000, "not_sliceable"),
        (terms(amount_in=19), 20, 3_000, "slice_too_small"),
    ],
)
def test_what_makes_no_sense_is_refused(order: OrderTerms, slices: int, every_ms: int, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        require_sliceable(order, slices, every_ms)
    assert refused.value.code == code


@pytest.mark.parametrize(("slices", "every_ms"), [(2, 1_000), (1_000, 86_400_000)])
def test_the_bounds_are_taken(slices: int, every_ms: int) -> None:
    require_sliceable(terms(), slices, every_ms)
    require_sliceable(terms(type="limit", limit_price="150", time_in_force="ioc", amount_in=slices), slices, every_ms)


def test_it_is_paused_resumed_and_cancelled_once_each() -> None:
    assert pause(state(), "me") == PAUSED and resume(state(), "me") is None
    assert pause(state(PAUSED), "me") is None and resume(state(PAUSED), "me") == RESUMED
    assert state(PAUSED, RESUMED).state == "active"
    assert cancel(state(PAUSED), "me") == CANCELLED and cancel(state(CANCELLED), "me") is None
    for say in (pause, resume):
        with pytest.raises(DomainError) as refused:
            say(state(CANCELLED), "me")
        assert refused.value.code == "list_ended"


def test_a_slice_is_refused_once_and_never_while_the_list_stands_still() -> None:
    assert refuse_slice(state(), 3, REFUSED.code, REFUSED.detail) == REFUSED
    assert state(REFUSED).was_refused(3) and not state(REFUSED).was_refused(4)
    assert refuse_slice(state(REFUSED), 3, REFUSED.code, REFUSED.detail) is None
    assert refuse_slice(state(PAUSED), 3, REFUSED.code, REFUSED.detail) is None
    assert refuse_slice(state(CANCELLED), 3, REFUSED.code, REFUSED.detail) is None


@pytest.mark.parametrize(
    "events",
    [[RESUMED], [PAUSED, PAUSED], [CANCELLED, CANCELLED], [CANCELLED, PAUSED], [REFUSED, REFUSED],
     [SliceRefused(slice=21, code="a", detail="b")], [submitted()]],
)  # fmt: skip
def test_a_story_that_cannot_be_is_no_list(events: list[Any]) -> None:
    with pytest.raises(ValueError, match="can't follow"):
        state(*events)
    with pytest.raises(ValueError, match="begins"):
        twap(LIST, events[1:])


def test_a_repeat_is_told_from_another_list() -> None:
    assert state().same_as(submitted(order=terms(slippage_bps=60)))
    for other in (submitted(slices=21), submitted(every_ms=3_001), submitted(order=terms(amount_in=1))):
        assert not state().same_as(other)


def test_an_order_knows_its_list_and_one_without_says_nothing_of_it() -> None:
    command = SubmitOrder(terms(), None, "localnet", parent_id=LIST)
    events = decide(None, command)
    order = fold(events)
    assert order is not None and order.parent_id == LIST
    assert events[0].public()["parentId"] == str(LIST)
    alone = decide(None, SubmitOrder(terms(), None, "localnet"))
    single = fold(alone)
    assert single is not None and single.parent_id is None
    assert "parent" not in alone[0].model_dump_json(by_alias=True) + single.model_dump_json()
