"""What is done with a guard whose time is over: pure, of what the log says and what the chain shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chains.guard_accounts import GuardAccount, GuardsSeen
from chains.protocol import SignatureStatus
from domain.reclaim import GuardedOrder, is_maker_known, kept_for

# What stands in the way is looked at again after so long: what passes by itself, and what only an operator can mend.
SOON, LATER = timedelta(seconds=5), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Close:
    """It may be closed: ``account`` is what lies in it."""

    account: GuardAccount


@dataclass(frozen=True, slots=True)
class Keep:
    """It stays, for a reason; ``until``: when it is looked at again, None: ``keep`` after the orders' last event."""

    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class NoGuard:
    """The orders left none on the chain."""


@dataclass(frozen=True, slots=True)
class Vanished:
    """The log says that the guard is there, and the chain shows none: somebody else has closed it."""


Judgement = Close | Keep | NoGuard | Vanished


@dataclass(frozen=True, slots=True)
class Rule:
    """What a guard is judged by: GUARD_KEEP, the time, whose guards are closed, whether the wallet can take tokens."""

    keep: timedelta
    now: datetime
    authority: bytes
    takes_tokens: bool


def judge(guard: str, sharing: Sequence[GuardedOrder], seen: GuardsSeen, *, final: bool, rule: Rule) -> Judgement:
    """What becomes of ``guard``, which all of ``sharing`` make. ``final``: no fork can undo their recorded swaps."""
    soon, later = rule.now + SOON, rule.now + LATER
    kept = kept_for(sharing, keep=rule.keep, now=rule.now, height=seen.height)
    if kept is not None:
        return Keep(kept.reason, None if kept.until else soon)
    if not final:
        return Keep("its swap is not known to be final", soon)
    known = any(is_maker_known(one.order) for one in sharing)
    if guard in seen.gone:
        return Vanished() if known else NoGuard()
    account = seen.there.get(guard)
    if account is None:
        return Keep("one endpoint shows it, and another doesn't", soon)
    if not known:
        return Keep("it was made by a transaction that the log doesn't know", later)
    if account.authority != rule.authority:
        return Keep("another authority than that of the guard key may close it", later)
    if account.tokens and not rule.takes_tokens:
        return Keep("tokens of a stranger lie in it, and the wallet has no account for them", later)
    return Close(account)


def is_final(status: SignatureStatus | None, *, tracked: bool) -> bool:
    """Whether a confirmed swap can't be undone: the tracker has followed it until enough endpoints showed it to be
    final, and no node shows it otherwise.
    """
    if status is None or tracked:
        return not tracked
    return status.commitment == "finalized" and not status.failed
