"""Nearest-rank percentiles, and how a figure is shown."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

RANKS = (50.0, 95.0, 99.0, 99.9)


def percentile(values: Sequence[float], rank: float) -> float:
    """The nearest-rank percentile of ``values``, which may be in any order; ``rank`` is above 0 and at most 100.

    With fewer than 100 / (100 - rank) values it is the largest of them. Raises ValueError where there are none.
    """
    if not values:
        raise ValueError("no values, no percentile")
    if not 0 < rank <= 100:
        raise ValueError(f"a rank is above 0 and at most 100, not {rank}")
    # Rounded first: 99.9 % of 1,000 is 999, and in floats a hair above it.
    return sorted(values)[ceil(round(len(values) * rank / 100, 6)) - 1]


def rank_name(rank: float) -> str:
    """`p50`, `p99.9`."""
    return f"p{rank:g}"


def shown(value: float) -> str:
    """Three significant digits, thousands separated: 0.0123, 9.46, 1,234."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 1 else f"{value:.3g}"
