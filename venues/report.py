"""How a venue stands: whether it is asked or traded at, and how often its service may be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from domain.trading_state import Restriction

VenueStanding = Literal["asked", "trying", "left_alone", "unknown", "reducing", "halted"]


@dataclass(frozen=True, slots=True)
class VenueReport:
    """``service`` is whom a remote venue is asked at; ``left_alone_until`` is unix time. Of the service's requests
    ``left`` are left in its window of ``window`` seconds, of ``most``; None of a venue without a service, or where
    nobody can tell.
    """

    venue: str
    service: str | None = None
    standing: VenueStanding = "asked"
    reason: str | None = None
    left_alone_until: float | None = None
    left: int | None = None
    most: int | None = None
    window: float | None = None


def as_restricted(report: VenueReport, restrictions: Mapping[str, Restriction]) -> VenueReport:
    """What an operator has set comes before how it answers; ``restrictions`` by the venue's name in lower case."""
    set_ = restrictions.get(report.venue.casefold())
    if set_ is None or set_.state == "active":
        return report
    return replace(report, standing=set_.state, reason=str(set_), left_alone_until=None)


VenueReports = Callable[[], Awaitable[Sequence[VenueReport]]]
