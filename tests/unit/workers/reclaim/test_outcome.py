"""What became of a reclaim, by what endpoints show of it and of its guards."""

from __future__ import annotations

from chains.guard_accounts import GuardAccount, GuardsSeen
from chains.reclaim import ReclaimLanding
from chains.reclaim_landings import ReclaimShown
from domain.evidence import TransactionError
from domain.reclaim import Reclaim
from domain.reclaim_events import ReclaimExpired
from tests.unit.domain.test_reclaim import BUILT, LANDED, REJECTED
from workers.reclaim.outcome import (
    GUARDS_DIFFER,
    ITS_GUARDS_ARE_GONE,
    ITS_GUARDS_STAY,
    GuardsGone,
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


def seen(there: tuple[str, ...] = (), gone: tuple[str, ...] = (), height: int = PAST) -> GuardsSeen:
    return GuardsSeen(height, dict.fromkeys(there, ACCOUNT), frozenset(gone))


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
    assert became(agreed(FAILURE), THERE) == REJECTED
    assert became(agreed(FAILURE), seen(there=GUARDS[:1], gone=GUARDS[1:], height=EARLY)) == REJECTED


def test_neither_counts_against_its_guards() -> None:
    for guards in (THERE, DIFFERENT, seen(there=GUARDS[:1], gone=GUARDS[1:])):
        assert became(agreed(SUCCESS), guards) == Undecided(ITS_GUARDS_STAY)
    assert became(agreed(FAILURE, support=1), GONE) == Undecided(ITS_GUARDS_ARE_GONE)
    assert became(agreed(FAILURE), DIFFERENT) == Undecided(ITS_GUARDS_ARE_GONE)


def test_it_failed_because_its_guards_were_closed_elsewhere_as_two_endpoints_or_the_log_say() -> None:
    assert became(agreed(FAILURE), GONE) == REJECTED
    assert became(agreed(FAILURE, support=1), GONE, *GUARDS) == REJECTED
    assert became(agreed(FAILURE, support=1), GONE, GUARDS[0]) == Undecided(ITS_GUARDS_ARE_GONE)


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
        assert became(shown, GONE) == GuardsGone(LANDED.model_copy(update={"slot": None}))
        assert became(shown, DIFFERENT) == Undecided(GUARDS_DIFFER)


def test_a_failure_that_one_endpoint_alone_shows_is_said_and_waits() -> None:
    for guards in (THERE, GONE, DIFFERENT):
        assert became(alone(FAILURE), guards) == Undecided("node-0 alone shows it, as failed")
