"""One waiting order as the book holds it: the price that triggers it, and what else must hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.numbers import BPS
from domain.order import Order
from domain.tokens import Pair, Side
from domain.triggers import limit_met, stop_met
from venues.prices import PairPrice


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """``stop`` is set until it has latched; from then on, and where there is none, the touch has to meet ``limit``. An
    order without a limit is executed by its stop. A trailing stop has ``trail_bps`` alone, and no level.

    ``position`` is where its place in the queue is from (``LoadedOrder.queued_position``): the lower, the older. An
    order that rests again needs more than its limit: a touch that meets ``armed_by`` or a quote at size of
    ``minimum_out``, for ``maximum_in`` at most where the order names its amount out, or that ``armed_at`` has come.
    """

    order_id: UUID
    position: int
    version: int
    pair: Pair
    side: Side
    amount_in: int
    limit: Decimal | None
    stop: Decimal | None = None
    armed_by: Decimal | None = None
    minimum_out: int | None = None
    armed_at: datetime | None = None
    expires_at: datetime | None = None
    trail_bps: int | None = None
    best_touch: Decimal | None = None
    maximum_in: int | None = None

    @property
    def level(self) -> Decimal:
        """The touch at which a price reaches it."""
        level = self.limit if self.stop is None else self.stop
        assert level is not None  # noqa: S101 - an order that waits for a price has one
        return level

    @property
    def is_above(self) -> bool:
        """Whether a price that rises reaches it."""
        return (self.side == "sell") == (self.stop is None)

    def is_reached(self, touch: Decimal) -> bool:
        """Whether ``touch`` meets the stop, or the limit where no stop is left."""
        if self.stop is not None:
            return stop_met(self.side, touch, self.stop)
        return self._meets_limit(touch)

    def is_armed(self, touch: Decimal) -> bool:
        """Whether a touch that reaches it is enough, without a quote at size."""
        return self.armed_by is None or limit_met(self.side, touch, self.armed_by)

    def is_met_at_size(self, price: PairPrice) -> bool:
        """Whether a quote at its size meets its limit; False of one that needs none."""
        if self.minimum_out is None:
            return False
        if self.maximum_in is None:
            return price.out(self.side, self.amount_in) >= self.minimum_out
        cost = price.cost(self.side, self.minimum_out)
        return cost is not None and cost <= self.maximum_in

    def rank(self, touch: Decimal) -> tuple[bool, bool, Decimal, int]:
        """Its place among the orders of its side that ``touch`` reaches: the lesser first."""
        has_limit = self.limit is not None
        only_latches = has_limit and not self._meets_limit(touch)
        price, rises = self.level, self.is_above
        if self.limit is not None and not only_latches:
            price, rises = self.limit, self.side == "sell"
        return only_latches, has_limit, price if rises else -price, self.position

    def _meets_limit(self, touch: Decimal) -> bool:
        return self.limit is not None and limit_met(self.side, touch, self.limit)


def waiting_order_of(order_id: UUID, position: int, version: int, order: Order) -> WaitingOrder | None:
    """The order as the book holds it, None where it doesn't wait for a price."""
    if not order.waits_for_price or (order.limit_price, order.stop_price, order.trail_bps) == (None, None, None):
        return None
    pair, armed_by, minimum_out, armed_at = order.pair, None, None, None
    side = pair.side(order.token_in)
    if order.rest is not None and order.rest.armed_at is None:
        # Armed by a touch 1 bp better than the one it rested at, or by a quote at size.
        armed_by = order.rest.touch * (BPS + 1 if side == "sell" else BPS - 1) / BPS
        minimum_out = order.minimum_out
    elif order.rest is not None:
        armed_at = order.rest.armed_at
    return WaitingOrder(
        order_id=order_id,
        position=position,
        version=version,
        pair=pair,
        side=side,
        amount_in=order.amount_in,
        limit=order.limit_price,
        stop=None if order.stop_reached else order.stop_price,
        armed_by=armed_by,
        minimum_out=minimum_out,
        armed_at=armed_at,
        expires_at=order.expires_at,
        trail_bps=order.trail_bps,
        best_touch=order.best_touch,
        maximum_in=None if order.amount_out is None else order.maximum_in,
    )
