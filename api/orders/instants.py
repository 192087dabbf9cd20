"""Instants as clients write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

# RFC 3339: a date, a time, and where that time is counted from.
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def instant(text: str) -> datetime | None:
    """``2026-01-01T00:00:00Z`` in UTC; None for what is no instant."""
    try:
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text.upper().replace(" ", "T")).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    return None
