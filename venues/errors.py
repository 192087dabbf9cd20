"""What this room raises."""

from __future__ import annotations

from domain.codes import Code


class UnknownPoolError(LookupError):
    """A quote names a pool that is not among the program's, or the pools have not been loaded."""


class VenueError(Exception):
    """A remote venue gave no answer that can be used; ``code`` is one of ``domain.codes``, ``detail`` what it said."""

    def __init__(self, code: Code, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}")


class ServiceIllError(VenueError):
    """The service said that it is itself not well: that counts against it, where any other answer in words doesn't."""


class UnknownProgramError(LookupError):
    """A swap program whose instructions this version can't read."""
