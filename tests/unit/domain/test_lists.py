"""Orders of a list: what becomes of one says what becomes of the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain import commands as c
from domain import events as e
from domain.codes import Code
from domain.consequences import concerns_others, consequences
from domain.decide import decide
from domain.decide_elsewhere import CLOSED_ELSEWHERE
from domain.evidence import GuardTaken
from domain.evolve import fold
from domain.legs import ORDERS_OF, Leg, LinkedKind, ended_with, guard_name, leg_id
from domain.next_step import next_step
from tests.unit.domain.scenario import NOW, built, given, landing, routed, sent, submit
from tests.unit.domain.test_elsewhere import elsewhere

LIST = UUID(int=7)
TAKEN = GuardTaken(taken_by="sibling", slot=9, shown_by=("a",))


def leg(kind: LinkedKind, number: int) -> Leg:
    return Leg(list_id=LIST, kind=kind, number=number)


def recorded(kind: LinkedKind, number: int, **terms: Any) -> tuple[e.OrderEvent, ...]:
    return tuple(decide(None, replace(submit(**terms), leg=leg(kind, number))))


def ids(count: int) -> list[UUID]:
    return [leg_id(LIST, number) for number in range(1, count + 1)]


def follows(kind: LinkedKind, *legs: tuple[e.OrderEvent, ...], changed: int = 0) -> list[list[e.OrderEvent]]:
    """What follows for each order of a list from how order ``changed``, counted from 0, is."""
    orders = {order_id: order for order_id, events in zip(ids(len(legs)), legs, strict=True) if (order := fold(events))}
    decided = consequences(orders, ids(len(legs))[changed], NOW)
    return [decided.get(order_id, []) for order_id in orders]


LIMIT = {"type": "limit", "limit_price": Decimal(160), "deadline": None}
STOP = {"type": "stop", "stop_price": Decimal(140), "deadline": None}
FLYING = (routed(), built(), sent())
CANCELLED = [e.CancelRequested, e.OrderCancelled]


def confirmed() -> e.OrderConfirmed:
    """The landing of what is flying."""
    (event,) = decide(fold((*decide(None, submit()), *FLYING)), landing())
    assert isinstance(event, e.OrderConfirmed)
    return event


def kinds(events: list[e.OrderEvent]) -> list[type[e.OrderEvent]]:
    return [type(event) for event in events]


def test_the_ids_and_the_guard_of_a_list_are_the_same_for_ever() -> None:
    assert [str(one) for one in ids(3)] == [
        "8f6f731a-5319-52c3-84a2-5c6ac245c14f",
        "549c9f29-93fd-51b0-b135-1281cc589dbb",
        "7bd65571-9da1-5aa9-a1b7-93adcfcfd844",
    ]


def test_orders_that_exclude_each_other_share_their_lists_guard_and_others_have_their_own() -> None:
    own = UUID(int=1)
    shared = {(kind, n): guard_name(own, leg(kind, n)) for kind, n in ORDERS}
    assert {place for place, name in shared.items() if name == LIST} == {
        ("oco", 1), ("oco", 2), ("otoco", 2), ("otoco", 3),
    }  # fmt: skip
    assert set(shared.values()) == {LIST, own} and guard_name(own, None) == own


ORDERS: list[tuple[LinkedKind, int]] = [
    *(("oco", n) for n in (1, 2)),
    *(("oto", n) for n in (1, 2)),
    *(("otoco", n) for n in (1, 2, 3)),
]


def test_a_cancel_of_one_order_of_an_oco_ends_both_and_of_a_first_order_all_that_follow_it() -> None:
    first, second, third = ids(3)
    assert ended_with(leg("oco", 1)) == (second,) and ended_with(leg("oco", 2)) == (first,)
    assert ended_with(leg("oto", 1)) == (second,) and ended_with(leg("oto", 2)) == ()
    assert ended_with(leg("otoco", 1)) == (second, third) and ended_with(leg("otoco", 3)) == (second,)


def test_a_fill_of_one_cancels_the_other_that_waits() -> None:
    filled = (*recorded("oco", 1), *FLYING, confirmed())
    _, other = follows("oco", filled, recorded("oco", 2, **STOP))
    assert kinds(other) == CANCELLED
    assert [event.code for event in other] == [Code.OTHER_LEG_FILLED] * 2  # type: ignore[union-attr]


def test_a_fill_of_one_lets_no_more_be_signed_for_the_other_that_is_live() -> None:
    filled, live = (*recorded("oco", 1), *FLYING, confirmed()), (*recorded("oco", 2), *FLYING)
    _, other = follows("oco", filled, live)
    assert kinds(other) == [e.CancelRequested]
    order = fold((*live, *other))
    assert order is not None and next_step(order, NOW) is None, "a cancel could take the guard from the swap by a fork"


def test_a_cancel_of_one_that_is_live_goes_to_the_chain_and_ends_the_other_that_waits_at_once() -> None:
    asked = (*recorded("oco", 1), *FLYING, e.CancelRequested(code="cancelled", by="me", because="enough"))
    _, other = follows("oco", asked, recorded("oco", 2, **STOP))
    assert kinds(other) == CANCELLED and isinstance(other[0], e.CancelRequested)
    assert (other[0].code, other[0].by, other[0].because) == (Code.OTHER_LEG_ENDED, "me", "enough")


def test_a_cancel_of_one_that_waits_is_asked_of_the_other_that_is_live_by_the_chain() -> None:
    waiting = recorded("oco", 1, **LIMIT)
    cancelled = (*waiting, *decide(fold(waiting), c.RequestCancel()))
    live = (*recorded("oco", 2), *FLYING)
    _, other = follows("oco", cancelled, live)
    order = fold((*live, *other))
    assert kinds(other) == [e.CancelRequested] and order is not None and next_step(order, NOW) == "cancel"


def test_however_one_of_them_fails_the_other_ends() -> None:
    failed = (*recorded("oco", 1), e.OrderFailed(code="insufficient_funds", detail="", retryable=False))
    _, other = follows("oco", failed, recorded("oco", 2, **LIMIT))
    assert kinds(other) == CANCELLED


def test_what_has_ended_or_is_to_be_cancelled_is_left_as_it_is() -> None:
    filled = (*recorded("oco", 1), *FLYING, confirmed())
    asked = (*recorded("oco", 2), *FLYING, e.CancelRequested(code="cancelled"))
    assert follows("oco", filled, asked)[1] == []
    assert follows("oco", filled, (*recorded("oco", 2), *FLYING, confirmed()))[1] == []


def test_the_second_order_of_an_oto_is_held_and_begins_with_the_fill_of_the_first() -> None:
    held = recorded("oto", 2)
    order = fold(held)
    assert kinds(list(held)) == [e.OrderSubmitted] and order is not None
    assert order.is_held and not order.waits_for_price and next_step(order, NOW) is None
    filled = (*recorded("oto", 1), *FLYING, confirmed())
    _, released = follows("oto", filled, held)
    assert kinds(released) == [e.OrderReleased, e.OrderTriggered]
    order = fold((*held, *released))
    assert order is not None and not order.is_held and next_step(order, NOW) == "route"
    assert order.deadline == NOW + timedelta(seconds=120)


def test_a_held_order_that_waits_for_a_price_begins_to_wait_by_its_release() -> None:
    held = recorded("oto", 2, **LIMIT)
    given(*held).when(c.ReleaseOrder(NOW)).then(e.OrderReleased)
    order = fold((*held, e.OrderReleased()))
    assert order is not None and order.waits_for_price
    given(*held, e.OrderReleased()).when(c.ReleaseOrder(NOW)).then_refused("not_applicable")


def test_no_price_sets_off_a_held_order() -> None:
    order = fold(recorded("oto", 2, **LIMIT))
    assert order is not None and not order.waits_for_price


def test_a_held_order_whose_time_is_over_by_its_release_ends_and_so_does_what_excludes_it() -> None:
    filled = (*recorded("otoco", 1), *FLYING, confirmed())
    good_till = recorded("otoco", 2, **LIMIT, time_in_force="gtd", expires_at=NOW)
    _, second, third = follows("otoco", filled, good_till, recorded("otoco", 3, **STOP))
    assert kinds(second) == CANCELLED and isinstance(second[0], e.CancelRequested) and second[0].code == Code.EXPIRED
    assert kinds(third)[-1] is e.OrderCancelled


def test_the_fill_of_an_otocos_first_order_releases_both_that_follow() -> None:
    filled = (*recorded("otoco", 1), *FLYING, confirmed())
    _, second, third = follows("otoco", filled, recorded("otoco", 2, **LIMIT), recorded("otoco", 3, **STOP))
    assert kinds(second) == kinds(third) == [e.OrderReleased]


def test_what_follows_a_first_order_is_cancelled_where_that_is_not_filled() -> None:
    failed = (*recorded("otoco", 1), e.OrderFailed(code="insufficient_funds", detail="", retryable=False))
    _, *others = follows("otoco", failed, recorded("otoco", 2, **LIMIT), recorded("otoco", 3, **STOP))
    assert [kinds(events) for events in others] == [CANCELLED] * 2


def test_a_cancel_of_a_held_order_of_a_pair_ends_its_other_and_not_the_first() -> None:
    held = recorded("otoco", 2, **LIMIT)
    cancelled = (*held, *decide(fold(held), c.RequestCancel()))
    first, _, third = follows("otoco", recorded("otoco", 1), cancelled, recorded("otoco", 3, **STOP), changed=1)
    assert (first, kinds(third)) == ([], CANCELLED)


def test_a_first_order_whose_cancel_is_only_asked_for_may_still_be_filled_and_holds_what_follows() -> None:
    asked = (*recorded("oto", 1), *FLYING, e.CancelRequested(code="cancelled"))
    assert follows("oto", asked, recorded("oto", 2))[1] == []


def test_only_an_end_or_a_cancel_concerns_the_other_orders() -> None:
    before, flying = fold(recorded("oco", 1)), fold((*recorded("oco", 1), *FLYING))
    filled = fold((*recorded("oco", 1), *FLYING, confirmed()))
    alone = fold((*decide(None, submit()), *FLYING, confirmed()))
    assert concerns_others(flying, filled) and not concerns_others(before, flying)
    assert not concerns_others(None, alone) and not concerns_others(filled, filled)


def test_an_order_whose_guard_another_has_taken_ends_though_its_own_swap_is_live() -> None:
    live = (*recorded("oco", 1), *FLYING, e.CancelRequested(code=Code.OTHER_LEG_FILLED))
    (cancelled,) = given(*live).when(c.RecordOtherLeg(TAKEN)).then(e.OrderCancelled)
    order = fold((*live, cancelled))
    assert order is not None and order.status == "cancelled" and order.guard_taken_by == "sibling"
    # Its own swap is followed to its end all the same.
    lost = c.RecordExpiry(1, TAKEN, NOW)
    given(*live, cancelled).when(lost).then(e.AttemptExpired)


def test_one_endpoint_of_two_ends_no_order_by_what_it_says_of_another() -> None:
    alone = TAKEN.model_copy(update={"configured": 2})
    given(*recorded("oco", 1), *FLYING).when(c.RecordOtherLeg(alone)).then_refused("evidence_incomplete")


def test_an_order_that_shares_no_guard_never_ends_by_another() -> None:
    given(*recorded("oto", 1), *FLYING).when(c.RecordOtherLeg(TAKEN)).then_refused("not_exclusive")


def test_a_confirmed_order_whose_guard_another_took_by_a_fork_is_restated_and_cancelled() -> None:
    story = (*recorded("oco", 1), *FLYING, confirmed())
    decided = given(*story).when(c.RecordOtherLeg(TAKEN)).then(
        e.OrderRestated, e.CancelRequested, e.OrderCancelled
    )  # fmt: skip
    order = fold((*story, *decided))
    assert order is not None and (order.status, order.fill) == ("cancelled", None)
    assert [attempt.end for attempt in order.attempts] == [None], "it may land, and then fails"


def test_a_final_swap_and_another_one_under_its_guard_are_a_contradiction() -> None:
    final = confirmed().model_copy(update={"commitment": "finalized"})
    given(*recorded("oco", 1), *FLYING, final).when(c.RecordOtherLeg(TAKEN)).then_refused("landed_after_end")


def test_one_whose_guard_was_closed_elsewhere_ends_who_shares_that_alike_and_nobody_else() -> None:
    """Either of an OCO may have been filled, and the first order of an OTO, too."""
    closed = e.OrderFailed(code=Code.EXECUTED_ELSEWHERE, detail="", retryable=False)
    named = e.OrderFailed(code=Code.EXECUTED_ELSEWHERE, detail="", retryable=False, tx_hash="its own")
    first, second = recorded("oco", 1, **LIMIT), recorded("oco", 2, **STOP)
    _, other = follows("oco", (*first, closed), second)
    assert other == [e.OrderFailed(code=Code.EXECUTED_ELSEWHERE, detail=CLOSED_ELSEWHERE, retryable=False)]
    # One of its own may have done it.
    assert follows("oco", (*first, closed), (*recorded("oco", 2), *FLYING)) == [[], []]
    assert kinds(follows("oco", (*first, named), second)[1]) == CANCELLED

    for kind in ("oto", "otoco"):
        legs = [recorded(kind, number, **LIMIT) for number in range(1, ORDERS_OF[kind] + 1)]
        for failed in (closed, named):
            assert follows(kind, (*legs[0], failed), *legs[1:]) == [[] for _ in legs]


def test_what_is_held_after_a_first_order_that_was_executed_elsewhere_ends_by_its_own_swap_or_a_cancel() -> None:
    held = recorded("otoco", 2)
    swapped = (*held, *given(*held).when(elsewhere()).then(e.OrderConfirmed))
    named = e.OrderFailed(code=Code.EXECUTED_ELSEWHERE, detail="", retryable=False, tx_hash="its own")
    first, third = (*recorded("otoco", 1), named), recorded("otoco", 3, **STOP)
    [before, _, excluded] = follows("otoco", first, swapped, third, changed=1)
    assert (before, kinds(excluded)) == ([], CANCELLED)
    assert isinstance(excluded[0], e.CancelRequested) and excluded[0].code == Code.OTHER_LEG_FILLED
    given(*held).when(c.RequestCancel(by="me")).then(*CANCELLED)
    given(*held).when(c.DiscardOrder(Code.CANCELLED_AT_RECOVERY)).then(e.OrderFailed)


GUARD_SEEN = (routed(), e.BuildRejected(code=Code.GUARD_TAKEN, detail="", logs=()))


def test_one_that_has_seen_the_others_guard_ends_once_that_is_known_to_have_taken_it() -> None:
    """Its own end waits for what took the guard; the other order's swap, or its cancel, is that."""
    filled = (*recorded("oco", 1), *FLYING, confirmed())
    seen = (*recorded("oco", 2), *GUARD_SEEN)
    assert kinds(follows("oco", filled, seen)[1]) == CANCELLED
    asked = (*recorded("oco", 1), *FLYING, e.CancelRequested(code=Code.CANCELLED))
    [_, [requested]] = follows("oco", asked, seen)
    assert isinstance(requested, e.CancelRequested)
    assert follows("oco", asked, (*seen, requested)) == [[], []]
    evidence = e.CancelEvidence(
        attempt=2, signature="cancel", slot=9, network_fee_lamports=5_000, guard_rent_lamports=2_039_280
    )
    cancelled = e.OrderCancelled(code=Code.CANCELLED, detail="", evidence=evidence)
    [_, ended] = follows("oco", (*asked, cancelled), (*seen, requested))
    assert kinds(ended) == [e.OrderCancelled]


def test_one_that_has_seen_a_guard_of_elsewhere_does_not_end_because_the_other_has() -> None:
    failed = e.OrderFailed(code=Code.NO_VENUE, detail="", retryable=False)
    [_, waits] = follows("oco", (*recorded("oco", 1), failed), (*recorded("oco", 2), *GUARD_SEEN))
    assert kinds(waits) == [e.CancelRequested]
