"""What of the endpoints' stories of a wallet counts, and what is disputed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from domain.log_behind import ForeignReclaimFound, ForeignTransactionFound
from workers.history.agreement import Agreement, Shown, Stories

MAIN, OTHER, THIRD = "main.example", "other.example", "third.example"


def swap(signature: str = "swap", **changes: Any) -> ForeignTransactionFound:
    told: dict[str, Any] = {
        "order_id": UUID(int=1),
        "attempt": 1,
        "purpose": "swap",
        "signature": signature,
        "slot": 130,
        "wallet": "wallet",
        "genesis_hash": "genesis",
        "failed": False,
        "paid": {"sol": 10},
        "received": {"usdc": 7},
        "fee_lamports": 5_000,
        "guard": "guard",
        "guard_rent_lamports": 2_039_280,
    }
    return ForeignTransactionFound(**{**told, **changes})


def reclaim(**changes: Any) -> ForeignReclaimFound:
    told: dict[str, Any] = {
        "reclaim_id": UUID(int=2),
        "signature": "reclaim",
        "slot": 190,
        "wallet": "wallet",
        "genesis_hash": "genesis",
        "failed": False,
        "guards": ("guard",),
        "received": {"sol": 2_039_280},
        "fee_lamports": 5_000,
    }
    return ForeignReclaimFound(**{**told, **changes})


def agreement(
    found: Shown[ForeignTransactionFound],
    reclaims: Shown[ForeignReclaimFound] | None = None,
    *,
    configured: int = 2,
    there: frozenset[str] = frozenset(),
    own: frozenset[str] = frozenset(),
    closed: frozenset[str] = frozenset(),
) -> Agreement:
    """``there`` are the endpoints that show the one guard, ``own`` what the log has signed that made it; ``closed``: a
    reclaim of it was recorded before.
    """
    asked = frozenset([MAIN, OTHER, THIRD][:configured])
    return Stories(found, reclaims or {}, configured, {"guard": there}, asked, {"guard": own}, closed).agreement()


BOTH = frozenset([MAIN, OTHER])


def test_what_two_show_alike_counts_and_what_the_only_one_shows() -> None:
    assert agreement({"swap": {MAIN: swap(), OTHER: swap()}}) == Agreement((swap(),), (), ())
    assert agreement({"swap": {MAIN: swap()}}, configured=1) == Agreement((swap(),), (), ())
    assert agreement({"swap": {OTHER: swap(), THIRD: swap()}}, configured=3) == Agreement((swap(),), (), ())


def test_what_one_shows_alone_counts_where_two_show_its_guard() -> None:
    """The other one may have thrown away what is old."""
    alone: Shown[ForeignTransactionFound] = {"swap": {OTHER: swap()}}
    assert agreement(alone, there=BOTH) == Agreement((swap(),), (), ())
    for there in (frozenset(), frozenset([OTHER])):
        found = agreement(alone, there=there)
        assert (found.found, found.reclaims) == ((), ())
        assert found.disputed == (f"{OTHER} shows swap of order {UUID(int=1)}, slot 130",)


@pytest.mark.parametrize("purpose", ["swap", "cancel"])
def test_a_second_one_under_the_same_guard_is_disputed_as_one_of_them_made_it_at_most(purpose: str) -> None:
    forged = swap("forged", purpose=purpose, paid={}, received={})
    beside_a_real_one = agreement({"swap": {MAIN: swap(), OTHER: swap()}, "forged": {OTHER: forged}}, there=BOTH)
    assert beside_a_real_one.found == (swap(),)
    assert len(beside_a_real_one.disputed) == 1 and "forged" in beside_a_real_one.disputed[0]
    each_alone = agreement({"swap": {MAIN: swap()}, "forged": {OTHER: forged}}, there=BOTH)
    assert each_alone.found == () and len(each_alone.disputed) == 2


def test_one_that_is_shown_alone_did_not_make_the_guard_that_the_logs_own_is_shown_to_have_made() -> None:
    found = agreement({"swap": {OTHER: swap()}}, there=BOTH, own=frozenset(["own"]))
    assert found.found == () and len(found.disputed) == 1
    # Two that show it outweigh whoever showed the other one.
    shown = {MAIN: swap(), OTHER: swap()}
    assert agreement({"swap": shown}, there=BOTH, own=frozenset(["own"])).found == (swap(),)


def test_one_that_is_shown_alone_counts_where_its_guard_was_closed_by_what_counts() -> None:
    """A backup older than what one of the nodes keeps."""
    swaps: Shown[ForeignTransactionFound] = {"swap": {OTHER: swap()}}
    for shown in ({MAIN: reclaim(), OTHER: reclaim()}, {OTHER: reclaim()}):
        assert agreement(swaps, {"reclaim": shown}) == Agreement((swap(),), (reclaim(),), ())
    assert agreement(swaps, {"reclaim": {OTHER: reclaim()}}, there=frozenset([MAIN])).found == ()
    # Recorded by an earlier run it isn't shown as unknown again.
    assert agreement(swaps, closed=frozenset(["guard"])) == Agreement((swap(),), (), ())


def test_what_two_show_otherwise_is_disputed() -> None:
    for other in (swap(received={"usdc": 6}), swap(failed=True), swap(slot=131)):
        found = agreement({"swap": {MAIN: swap(), OTHER: other}}, there=BOTH)
        assert found.found == ()
        assert found.disputed == (f"{MAIN} and {OTHER} show, not alike, swap of order {UUID(int=1)}, slot 130",)
    # Two of three outvote the third.
    shown = {MAIN: swap(), OTHER: swap(failed=True), THIRD: swap()}
    assert agreement({"swap": shown}, configured=3) == Agreement((swap(),), (), ())


def test_a_failure_counts_where_two_show_it_and_is_no_dispute_else() -> None:
    failure = swap(failed=True)
    assert agreement({"swap": {MAIN: failure, OTHER: failure}}).found == (failure,)
    assert agreement({"swap": {OTHER: failure}}, there=BOTH) == Agreement((), (), ())


def test_a_reclaim_that_one_shows_alone_counts_where_two_show_none_of_its_guards() -> None:
    alone: Shown[ForeignReclaimFound] = {"reclaim": {OTHER: reclaim()}}
    assert agreement({}, alone) == Agreement((), (reclaim(),), ())
    for there in (BOTH, frozenset([MAIN])):
        found = agreement({}, alone, there=there)
        assert found.reclaims == ()
        assert found.disputed == (f"{OTHER} shows reclaim of reclaim {UUID(int=2)}, slot 190",)
    assert agreement({}, {"reclaim": {MAIN: reclaim(), OTHER: reclaim()}}, there=BOTH).reclaims == (reclaim(),)
    failed = reclaim(failed=True, guards=())
    assert agreement({}, {"reclaim": {OTHER: failed}}) == Agreement((), (), ())
