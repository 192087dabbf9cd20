"""What is done with a guard that is due, by what the log says and what the chain shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chains.guard_accounts import GuardAccount, GuardsSeen
from chains.protocol import SignatureStatus
from domain.reclaim import GuardedOrder
from tests.unit.domain.scenario import NOW, submitted
from tests.unit.domain.test_reclaim import CONFIRMED, FAILED, KEEP, PAST, ended
from workers.reclaim.judgement import LATER, SOON, Close, Judgement, Keep, NoGuard, Rule, Vanished, is_final, judge

ACCOUNT = GuardAccount(b"authority", 2_039_281, 0)
THERE = GuardsSeen(PAST, {"guard": ACCOUNT}, frozenset(), frozenset())
GONE = GuardsSeen(PAST, {}, frozenset({"guard"}), frozenset({"guard"}))
RULE = Rule(KEEP, NOW + KEEP, b"authority", takes_tokens=False)


def judged(order: GuardedOrder, seen: GuardsSeen = THERE, *, final: bool = True, **rule: Any) -> Judgement:
    return judge("guard", [order], seen, final=final, rule=replace(RULE, **rule))


def test_a_guard_whose_time_is_over_is_closed_with_all_that_lies_in_it() -> None:
    assert judged(ended(*CONFIRMED)) == Close(ACCOUNT)


def test_before_its_time_it_is_kept_until_then_whatever_the_chain_shows() -> None:
    for seen in (THERE, GONE):
        found = judged(ended(*CONFIRMED), seen, now=NOW + KEEP - timedelta(seconds=1))
        assert isinstance(found, Keep)
        assert found.until is None


def test_a_swap_that_is_not_final_keeps_it_a_little() -> None:
    assert judged(ended(*CONFIRMED), final=False) == Keep("its swap is not known to be final", RULE.now + SOON)
    assert isinstance(judged(ended(*CONFIRMED), GONE, final=False), Keep)


def test_a_guard_that_the_log_says_is_there_and_the_chain_does_not_show_has_vanished() -> None:
    assert judged(ended(*CONFIRMED), GONE) == Vanished()


def test_an_order_that_failed_without_a_success_left_no_guard() -> None:
    assert judged(ended(*submitted(), FAILED), GONE) == NoGuard()


def test_a_guard_that_nobody_known_has_made_is_kept() -> None:
    found = judged(ended(*submitted(), FAILED))
    assert found == Keep("it was made by a transaction that the log doesn't know", RULE.now + LATER)


def test_endpoints_that_disagree_about_it_keep_it() -> None:
    assert isinstance(judged(ended(*CONFIRMED), GuardsSeen(PAST, {}, frozenset(), frozenset())), Keep)


def test_one_that_another_authority_may_close_is_kept() -> None:
    assert isinstance(judged(ended(*CONFIRMED), authority=b"another"), Keep)


def test_tokens_in_it_need_an_account_of_the_wallet_that_takes_them() -> None:
    holding = replace(ACCOUNT, tokens=7)
    seen = GuardsSeen(PAST, {"guard": holding}, frozenset(), frozenset())
    assert isinstance(judged(ended(*CONFIRMED), seen), Keep)
    assert judged(ended(*CONFIRMED), seen, takes_tokens=True) == Close(holding)


@pytest.mark.parametrize(
    ("status", "tracked", "final"),
    [
        (SignatureStatus(1, "finalized", failed=False), False, True),
        # A guard that is closed while its order is followed would look as if the swap was lost.
        (SignatureStatus(1, "finalized", failed=False), True, False),
        (SignatureStatus(1, "finalized", failed=True), False, False),
        (SignatureStatus(1, "confirmed", failed=False), False, False),
        (None, True, False),
        (None, False, True),
    ],
)
def test_a_swap_is_final_once_nobody_follows_it_and_its_status_says_nothing_else(
    status: SignatureStatus | None, tracked: bool, final: bool
) -> None:
    assert is_final(status, tracked=tracked) is final
