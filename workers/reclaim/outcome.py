"""What became of a reclaim: pure, of what the endpoints show of it and of its guards.

A success has closed all of them, a failure none. Neither counts by one endpoint's word, nor against the guards: a false
failure would halt the account for guards that nobody took, a false success leave their rent where it is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from chains.guard_accounts import GuardsSeen
from chains.reclaim import ReclaimLanding
from chains.reclaim_landings import ReclaimShown
from domain.reclaim import Reclaim, ReclaimEnd
from domain.reclaim_events import ReclaimExpired, ReclaimFailed, ReclaimLanded

FEE_LAMPORTS = 10_000
"""What the network takes for the two signatures of a reclaim."""

ITS_GUARDS_STAY = "it is shown to have landed, and its guards are not shown to be gone"
ITS_GUARDS_ARE_GONE = "it is shown to have failed, and no guard of it is shown to be there"
ALONE = "shows it, as failed, and no other endpoint does: it waits for one that keeps old transactions"
"""Its guards don't tell: gone, as a success would have left them, or shown otherwise by one than by another."""
GUARDS_DIFFER = "one endpoint shows its guards, and another doesn't"


@dataclass(frozen=True, slots=True)
class IfItLasts:
    """It is past its time, and too few endpoints show it, or one alone can: ``end`` is what is recorded of it if that
    stays so.
    """

    end: ReclaimLanded | ReclaimFailed


@dataclass(frozen=True, slots=True)
class Undecided:
    """Why nobody can tell, a phrase. ``disagreeing`` are endpoints that show opposite things of it."""

    reason: str
    disagreeing: tuple[str, ...] = ()


Outcome = ReclaimEnd | IfItLasts | Undecided


def outcome(reclaim: Reclaim, shown: ReclaimShown, seen: GuardsSeen, elsewhere: Collection[str]) -> Outcome | None:
    """What became of ``reclaim``; None while it may land, or the endpoints may only be a little apart.

    ``seen`` was asked for after ``shown``. ``elsewhere`` are the guards that reclaims of elsewhere closed.
    """
    guards = {closing.guard for closing in reclaim.built.guards}
    gone, there = guards <= seen.gone, sorted(guards & seen.there.keys())
    others = sorted(guards.intersection(elsewhere))
    signature, agreed, past = reclaim.built.signature, shown.agreed, seen.height > reclaim.lands_until
    if agreed is not None and agreed.error is None:
        return _landed(signature, agreed) if guards <= seen.absent else Undecided(ITS_GUARDS_STAY)
    if agreed is not None:
        # It may have failed because somebody else had closed them. One endpoint's word isn't enough for that at once.
        if there or (gone and (shown.support > 1 or others)):
            return _failed(signature, agreed)
        return IfItLasts(_failed(signature, agreed)) if gone and past else Undecided(ITS_GUARDS_ARE_GONE)
    failures = [landing for _, landing in shown.shown if landing.error]
    failing = tuple(name for name, landing in shown.shown if landing.error)
    succeeding = tuple(name for name, landing in shown.shown if not landing.error)
    if failing and succeeding:
        opposed = f"{', '.join(succeeding)} shows that it landed, {', '.join(failing)} that it failed"
        return Undecided(opposed, (*succeeding, *failing))
    if not past:
        return None
    if failures:
        # Whoever doesn't show it may keep no history. It closed nothing: that fee at most is told wrong.
        closed_nothing = bool(there or (gone and others)) and failures[0].fee_lamports == FEE_LAMPORTS
        alone = Undecided(f"{', '.join(failing)} {ALONE}")
        return IfItLasts(_failed(signature, failures[0])) if closed_nothing else alone
    # A success would have closed each of them itself.
    if there or (gone and others):
        return ReclaimExpired(signature=signature, height=seen.height, guard=(there or others)[0])
    return IfItLasts(_closed(reclaim)) if gone else Undecided(GUARDS_DIFFER)


def _landed(signature: str, landing: ReclaimLanding) -> ReclaimLanded:
    return ReclaimLanded(
        signature=signature,
        slot=landing.slot,
        lamports=landing.lamports,
        tokens=landing.tokens,
        fee_lamports=landing.fee_lamports,
    )


def _failed(signature: str, landing: ReclaimLanding) -> ReclaimFailed:
    assert landing.error is not None  # noqa: S101 - asked for a failure
    return ReclaimFailed(
        signature=signature,
        slot=landing.slot,
        code=landing.error.code,
        detail=landing.error.detail,
        fee_lamports=landing.fee_lamports,
    )


def _closed(reclaim: Reclaim) -> ReclaimLanded:
    """By what was read of the guards before."""
    built = reclaim.built
    return ReclaimLanded(
        signature=built.signature,
        slot=None,
        lamports=sum(closing.lamports for closing in built.guards),
        tokens=sum(closing.tokens for closing in built.guards),
        fee_lamports=FEE_LAMPORTS,
    )
