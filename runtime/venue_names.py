"""Every venue that VENUES can give, by the name that quotes carry: known without a node, and whatever is configured."""

from __future__ import annotations

from localnet.world import POOL_VENUES
from venues.jupiter.labels import NAMES
from venues.raydium.venue import NAME

VENUE_NAMES: tuple[str, ...] = (*POOL_VENUES, *NAMES.values(), NAME)


def venue_named(name: str) -> str | None:
    """As quotes carry it, whatever the case it is asked for in; None where there is no such venue."""
    return next((venue for venue in VENUE_NAMES if venue.casefold() == name.casefold()), None)
