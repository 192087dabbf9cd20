"""What an account may do at most. None is no limit; notional is in USDC."""

from __future__ import annotations

from domain.numbers import Price
from domain.quotes import Recorded


class Limits(Recorded):
    """``pairs`` and ``venues`` are allow-lists, of symbols such as ``SOL/USDC`` and of names.

    ``max_open_notional`` is what all open orders may be worth together. ``price_band_bps`` is how far an order's price
    may be from the market's, in basis points.
    """

    max_order_notional: Price | None = None
    max_open_orders: int | None = None
    max_daily_notional: Price | None = None
    max_open_notional: Price | None = None
    orders_per_minute: int | None = None
    pairs: tuple[str, ...] | None = None
    venues: tuple[str, ...] | None = None
    price_band_bps: int | None = None

    @property
    def are_reserved(self) -> bool:
        """Whether an order has to be reserved for before it is taken, to keep within them exactly."""
        return self.max_open_orders is not None or self.reserve_notional

    @property
    def reserve_notional(self) -> bool:
        """Whether what is reserved has to say what it is worth."""
        return self.max_daily_notional is not None or self.max_open_notional is not None

    @property
    def need_notional(self) -> bool:
        return self.max_order_notional is not None or self.reserve_notional

    def refused_venues(self, venues: frozenset[str]) -> frozenset[str]:
        """Those of ``venues``, in lower case, that are not allowed."""
        if self.venues is None:
            return frozenset()
        return venues - {venue.casefold() for venue in self.venues}


NO_LIMITS = Limits()
