"""How a venue stands: whether it is asked, and how often its service may be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

VenueStanding = Literal["asked", "trying", "left_alone", "unknown"]


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


VenueReports = Callable[[], Awaitable[Sequence[VenueReport]]]
