"""Where a trailing stop stands: so many basis points behind the best touch since the order began."""

from __future__ import annotations

from decimal import Decimal

from domain.numbers import BPS
from domain.tokens import Side


def is_better(side: Side, touch: Decimal, best: Decimal | None) -> bool:
    """Whether the stop follows ``touch``: a sell's follows it up, a buy's down; the first touch is the best so far."""
    if best is None:
        return True
    return touch > best if side == "sell" else touch < best


def trail_met(side: Side, touch: Decimal, best: Decimal, trail_bps: int) -> bool:
    """Whether ``touch`` has come back from ``best`` by ``trail_bps`` or more, exactly."""
    if side == "sell":
        return touch * BPS <= best * (BPS - trail_bps)
    return touch * BPS >= best * (BPS + trail_bps)


def trail_stop(side: Side, best: Decimal, trail_bps: int) -> Decimal:
    """The touch at which ``trail_met`` begins to hold."""
    return best * (BPS - trail_bps if side == "sell" else BPS + trail_bps) / BPS
