"""What each event of an account has."""

from __future__ import annotations

from typing import ClassVar

from domain.quotes import Recorded


class AccountEvent(Recorded):
    """``secret`` names what never leaves the log."""

    TOPIC: ClassVar[str]
    VERSION: ClassVar[int] = 1
    secret: ClassVar[frozenset[str]] = frozenset()
