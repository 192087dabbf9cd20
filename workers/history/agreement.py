"""What of the endpoints' stories of a wallet counts. Any of them may lie, or have thrown away what is old.

What two show alike counts; where one alone is configured, what it shows. What one shows alone counts where the others
bear it out by what is on the chain now, finalized: of a reclaim that the guards it closed aren't there; of a success
its order's guard, or a reclaim of that, unless another transaction is shown to have made it, one of the log's own
included. All else that is shown as done is disputed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from domain.evidence import enough
from domain.log_behind import ForeignReclaimFound, ForeignTransactionFound

Found = TypeVar("Found", ForeignTransactionFound, ForeignReclaimFound)
Shown = dict[str, dict[str, Found]]
"""By signature, how each endpoint, by its name, shows the transaction."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """``disputed`` are sentences: who shows what, and nobody bears it out."""

    found: tuple[ForeignTransactionFound, ...]
    reclaims: tuple[ForeignReclaimFound, ...]
    disputed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stories:
    """What the endpoints show, of ``configured`` ones; ``guards``: at which of them each guard is there, of those
    in ``asked``. ``own`` are the log's own transactions that any endpoint shows as successes, by the guard they make;
    ``closed`` the guards of reclaims that are recorded as ones of elsewhere.
    """

    found: Shown[ForeignTransactionFound]
    reclaims: Shown[ForeignReclaimFound]
    configured: int
    guards: Mapping[str, frozenset[str]]
    asked: frozenset[str]
    own: Mapping[str, set[str] | frozenset[str]] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()

    def agreement(self) -> Agreement:
        disputed: list[str] = []
        reclaims = self._reclaims(disputed)
        closed = self.closed.union(*(one.guards for one in reclaims))
        found = self._found(closed, disputed)
        return Agreement(found, reclaims, tuple(disputed))

    def _found(self, closed: frozenset[str], disputed: list[str]) -> tuple[ForeignTransactionFound, ...]:
        found = {signature: self._agreed(shown) for signature, shown in self.found.items()}
        makers = self._makers(found)
        for signature, shown in self.found.items():
            successes = [one for one in shown.values() if not one.failed]
            if found[signature] is not None or not successes:
                continue
            alone = successes[0]
            was_made = alone.guard in closed or self._is_there(alone.guard)
            if _alike(shown) and makers[alone.guard] == {signature} and was_made:
                found[signature] = alone
            else:
                disputed.append(_said(shown, f"{signature} of order {alone.order_id}, slot {alone.slot}"))
        return _counting(found)

    def _reclaims(self, disputed: list[str]) -> tuple[ForeignReclaimFound, ...]:
        reclaims = {signature: self._agreed(shown) for signature, shown in self.reclaims.items()}
        for signature, shown in self.reclaims.items():
            closing = [one for one in shown.values() if not one.failed]
            if reclaims[signature] is not None or not closing:
                continue
            if _alike(shown) and all(self._is_gone(guard) for guard in closing[0].guards):
                reclaims[signature] = closing[0]
            else:
                disputed.append(_said(shown, f"{signature} of reclaim {closing[0].reclaim_id}, slot {closing[0].slot}"))
        return _counting(reclaims)

    def _agreed(self, shown: Mapping[str, Found]) -> Found | None:
        """What enough endpoints show alike."""
        stories = list(shown.values())
        return next((one for one in stories if enough(stories.count(one), self.configured)), None)

    def _makers(self, agreed: Mapping[str, ForeignTransactionFound | None]) -> Mapping[str | None, set[str]]:
        """By guard, the transactions that are shown to have made it: one of them has, at most."""
        makers: dict[str | None, set[str]] = defaultdict(set, {guard: {*own} for guard, own in self.own.items()})
        for signature, shown in self.found.items():
            for one in [agreed[signature]] if agreed[signature] else shown.values():
                if one is not None and not one.failed:
                    makers[one.guard].add(signature)
        return makers

    def _is_there(self, guard: str | None) -> bool:
        return guard is not None and enough(len(self.guards.get(guard, ())), self.configured)

    def _is_gone(self, guard: str) -> bool:
        return enough(len(self.asked - self.guards.get(guard, frozenset())), self.configured)


def guards_in_question(found: Shown[ForeignTransactionFound], reclaims: Shown[ForeignReclaimFound]) -> set[str]:
    """Every guard that is said to have been made or closed."""
    made = {one.guard for shown in found.values() for one in shown.values() if one.guard}
    return made | {guard for shown in reclaims.values() for one in shown.values() for guard in one.guards}


def _alike(shown: Mapping[str, Found]) -> bool:
    first, *others = shown.values()
    return all(one == first for one in others)


def _said(shown: Mapping[str, Found], what: str) -> str:
    return f"{' and '.join(sorted(shown))} {'shows' if len(shown) == 1 else 'show, not alike,'} {what}"


def _counting(found: Mapping[str, Found | None]) -> tuple[Found, ...]:
    return tuple(sorted((one for one in found.values() if one is not None), key=lambda one: one.slot))
