"""What this room raises."""

from __future__ import annotations


class UnknownPoolError(LookupError):
    """A quote names a pool that is not among the program's, or the pools have not been loaded."""
