"""What a verification has found so far, and what that comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from event_store.hash_chain.verification import Check, Finding, Verdict

EQUAL, DIFFERS, USAGE, UNCHECKED = 0, 1, 2, 3
"""Exit codes of `surefill verify`. 2 is every command's for a wrong argument or setting."""

RECORD = "Run surefill recover: it records what failed outside of the log, which moved nothing but its fee."
RECONCILE = "Stop trading; compare the order's events with the transaction in an explorer, and settle it by hand."

RECOVER = "Run surefill recover."

T = TypeVar("T")


class Track(Protocol):
    """Passes items on, and shows how many of ``total`` (None: not known) have passed."""

    def __call__(self, items: Iterable[T], total: int | None, description: str) -> Iterable[T]: ...


def untracked(items: Iterable[T], total: int | None, description: str) -> Iterable[T]:
    return items


class Report:
    """Findings go on to ``show`` as they come: there may be millions. Kept is how many, and what was looked at.

    ``behind``: the log was put back, and nobody has recovered it yet.
    """

    def __init__(self, show: Callable[[Finding], None]) -> None:
        self._show = show
        self.found: Counter[tuple[Check, Verdict]] = Counter()
        self.looked_at: Counter[str] = Counter()
        self.behind = False

    def remedy_of_unknown(self, otherwise: str = RECONCILE) -> str:
        """What settles something on the chain that the log doesn't have: recovery, where it was put back."""
        return RECOVER if self.behind else otherwise

    def add(self, finding: Finding) -> None:
        self.found[finding.check, finding.verdict] += 1
        self._show(finding)

    def add_all(self, findings: Iterable[Finding]) -> int:
        """How many they were."""
        number = 0
        for finding in findings:
            self.add(finding)
            number += 1
        return number

    def count(self, verdict: Verdict) -> int:
        return sum(number for (_, which), number in self.found.items() if which == verdict)

    @property
    def exit_code(self) -> int:
        if self.count("differs"):
            return DIFFERS
        return UNCHECKED if self.count("unchecked") else EQUAL
