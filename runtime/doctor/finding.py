"""What one look found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["well", "look", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``look``: it works, and somebody should know; ``wrong``: nothing can be traded so. ``advice`` is what to do."""

    what: str
    verdict: Verdict
    sentence: str
    advice: str = ""


Look = Callable[[], Awaitable[Sequence[Finding]]]


def well(what: str, sentence: str) -> Finding:
    return Finding(what, "well", sentence)


def look(what: str, sentence: str, advice: str) -> Finding:
    return Finding(what, "look", sentence, advice)


def wrong(what: str, sentence: str, advice: str) -> Finding:
    return Finding(what, "wrong", sentence, advice)
