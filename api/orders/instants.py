"""Instants as clients write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from litestar.openapi.spec.enums import OpenAPIFormat

from api.errors import ProblemError

# RFC 3339: a date, a time, and where that time is counted from.
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

DATE_TIME = {"format": OpenAPIFormat.DATE_TIME}
"""What the document says of a query parameter that is one: read here, for Litestar takes a number for one, too."""


def instant(text: str) -> datetime | None:
    """``2026-01-01T00:00:00Z`` in UTC; None for what is no instant."""
    try:
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text.upper().replace(" ", "T")).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    return None


def instant_asked(text: str | None, name: str) -> datetime | None:
    """The query parameter ``name``. Raises ``ProblemError`` for what is no instant."""
    if text is None:
        return None
    if (at := instant(text)) is not None:
        return at
    raise ProblemError(400, "invalid_query", f"{name} is an instant with its zone: 2026-01-01T00:00:00Z.", field=name)
