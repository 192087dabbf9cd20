"""What became of a reclaim, by what endpoints show of it and of its guards."""

from __future__ import annotations

from dataclasses import replace

from chains.guard_accounts import GuardAccount, GuardsSeen
from chains.reclaim import ReclaimLanding
from chains.reclaim_landings import ReclaimShown
from domain.evidence import TransactionError
from domain.reclaim import Reclaim
from domain.reclaim_events import ReclaimExpired
from tests.unit.domain.test_reclaim import BUILT, LANDED, REJECTED
from workers.reclaim.outcome import (
    ALONE,
    GUARDS_DIFFER,
    ITS_GUARDS_ARE_GONE,
    ITS_GUARDS_STAY,
    IfItLasts,
    Outcome,
    Undecided,
    outcome,
)

EARLY, PAST = 250, 251
GUARDS = ("guard-1", "guard-2")
SUCCESS = ReclaimLanding(7, 4_078_560, 0, 10_000)
FAILURE = ReclaimLanding(7, 0, 0, 10_000, TransactionError(code="program_error", detail="{}"))
ACCOUNT = GuardAccount(b"authority", 2_039_280, 0)
UNSHOWN = ReclaimShown()


def seen(
    there: tuple[str, ...] = (), gone: tuple[str, ...] = (), height: int = PAST, absent: tuple[str, ...] = ()
) -> GuardsSeen:
    return GuardsSeen(height, dict.fromkeys(there, ACCOUNT), frozenset(gone), frozenset(gone) | frozenset(absent))


THERE, GONE, DIFFERENT = seen(there=GUARDS), seen(gone=GUARDS), seen()


def agreed(landing: ReclaimLanding, support: int = 2) -> ReclaimShown:
    return ReclaimShown(landing, support, tuple((f"node-{n}", landing) for n in range(support)))


def alone(*landings: ReclaimLanding) -> ReclaimShown:
    """Each as one endpoint shows it, of more that are asked."""
    return ReclaimShown(shown=tuple((f"node-{n}", landing) for n, landing in enumerate(landings)))


def became(shown: ReclaimShown, guards: GuardsSeen, *elsewhere: str) -> Outcome | None:
    return outcome(Reclaim(BUILT), shown, guards, elsewhere)


def test_a_success_counts_with_its_guards_gone_and_a_failure_with_one_still_there() -> None:
    assert became(agreed(SUCCESS), GONE) == LANDED
    assert became(agreed(SUCCESS), seen(absent=GUARDS)) == LANDED  # to enough, and one endpoint stands still
    assert became(agreed(FAILURE), THERE) == REJECTED
    assert became(agreed(FAILURE), seen(there=GUARDS[:1], gone=GUARDS[1:], height=EARLY)) == REJECTED


def test_neither_counts_against_its_guards() -> None:
    for guards in (THERE, DIFFERENT, seen(there=GUARDS[:1], gone=GUARDS[1:])):
        assert became(agreed(SUCCESS), guards) == Undecided(ITS_GUARDS_STAY)
    early = seen(gone=GUARDS, height=EARLY)
    assert became(agreed(FAILURE, support=1), early) == Undecided(ITS_GUARDS_ARE_GONE)
    assert became(agreed(FAILURE), DIFFERENT) == Undecided(ITS_GUARDS_ARE_GONE)


def test_it_failed_because_its_guards_were_closed_elsewhere_as_two_endpoints_or_the_log_say() -> None:
    assert became(agreed(FAILURE), GONE) == REJECTED
    assert became(agreed(FAILURE, support=1), GONE, *GUARDS) == REJECTED
    assert became(agreed(FAILURE, support=1), GONE, GUARDS[0]) == REJECTED


def test_where_the_only_endpoint_says_so_it_failed_once_its_time_is_over_and_that_lasts() -> None:
    """Somebody closed its guards, and that is found as soon as they are due again."""
    assert became(agreed(FAILURE, support=1), GONE) == IfItLasts(REJECTED)


def test_what_a_reclaim_of_elsewhere_has_closed_this_one_did_not() -> None:
    for shown in (UNSHOWN, alone(SUCCESS)):
        assert became(shown, GONE, GUARDS[1]) == ReclaimExpired(signature="reclaim-1", height=PAST, guard="guard-2")
    assert became(UNSHOWN, seen(gone=GUARDS, height=EARLY), *GUARDS) is None
    assert became(alone(FAILURE), GONE, GUARDS[1]) == IfItLasts(REJECTED)


def test_endpoints_that_show_opposite_things_are_named_whatever_its_guards_are() -> None:
    for guards in (THERE, GONE, DIFFERENT, seen(gone=GUARDS, height=EARLY)):
        said = became(alone(SUCCESS, FAILURE), guards)
        assert said == Undecided("node-0 shows that it landed, node-1 that it failed", ("node-0", "node-1"))


def test_before_its_time_is_over_one_endpoint_may_only_be_ahead() -> None:
    for shown in (UNSHOWN, alone(SUCCESS), alone(FAILURE)):
        assert became(shown, seen(gone=GUARDS, height=EARLY)) is None
        assert became(shown, seen(there=GUARDS, height=EARLY)) is None


def test_past_its_time_its_guards_tell_where_no_endpoint_or_one_alone_shows_a_success() -> None:
    """The others may have thrown it away, or the one lies."""
    for shown in (UNSHOWN, alone(SUCCESS)):
        assert became(shown, THERE) == ReclaimExpired(signature="reclaim-1", height=PAST, guard="guard-1")
        assert became(shown, GONE) == IfItLasts(LANDED.model_copy(update={"slot": None}))
        assert became(shown, DIFFERENT) == Undecided(GUARDS_DIFFER)


def test_a_failure_that_one_endpoint_alone_shows_counts_if_that_lasts_where_a_guard_is_there() -> None:
    """The others may keep no history: its guards would never be closed."""
    assert became(alone(FAILURE), THERE) == IfItLasts(REJECTED)
    assert became(alone(FAILURE), seen(there=GUARDS[:1], gone=GUARDS[1:])) == IfItLasts(REJECTED)


def test_nor_does_it_where_it_costs_another_fee_than_a_reclaim_does() -> None:
    assert became(alone(replace(FAILURE, fee_lamports=10**12)), THERE) == Undecided(f"node-0 {ALONE}")


def test_where_none_is_it_is_said_and_waits() -> None:
    for guards in (GONE, DIFFERENT):
        assert became(alone(FAILURE), guards) == Undecided(f"node-0 {ALONE}")
