"""Spans of time as people write them."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=36_500)


def time_span(text: str) -> timedelta | None:
    """``7d``, ``12h``, ``30m`` or ``45s``, of a hundred years at most; None where it is none."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", text, re.ASCII)
    span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    return span if span is not None and span <= _LONGEST else None
