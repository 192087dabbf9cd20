"""Routes of which a venue gave a quote and nothing that fits into one transaction: its quote isn't one for a while."""

from __future__ import annotations

from time import monotonic

from domain.codes import Code
from venues.errors import VenueError

_FOR_S = 60.0
_MOST = 10_000


class Unbuildable:
    """By venue, token in and token out."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str, str], float] = {}

    def require(self, venue: str, token_in: str, token_out: str) -> None:
        """Raise ``VenueError`` where the last try is too short ago."""
        if self._until.get((venue, token_in, token_out), 0.0) > monotonic():
            raise VenueError(Code.NO_LIQUIDITY, f"{venue} has no route of this pair that fits into one transaction")

    def note(self, venue: str, token_in: str, token_out: str) -> VenueError:
        """The error of a try that failed."""
        if len(self._until) >= _MOST:
            self._until.clear()
        self._until[venue, token_in, token_out] = monotonic() + _FOR_S
        return VenueError(Code.NO_LIQUIDITY, f"{venue} has no route of this pair that fits into one transaction")
