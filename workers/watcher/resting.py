"""One waiting order as the book holds it: the level that makes it act, and what else must hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from domain.numbers import BPS
from domain.order import Order
from domain.tokens import Pair, Side

Falls = Literal["at_or_above", "at_or_below"]


@dataclass(frozen=True, slots=True)
class Resting:
    """``level`` is the touch on ``side`` at which the order acts: in the direction of ``reached``.

    ``position`` is that of the order's first event: the lower, the older. ``minimum_out`` is set where a quote at size
    arms the order too, ``armed_at`` where it doesn't act before then.
    """

    order_id: UUID
    position: int
    version: int
    pair: Pair
    side: Side
    level: Decimal
    reached: Falls
    amount_in: int
    minimum_out: int | None = None
    armed_at: datetime | None = None

    def is_reached(self, touch: Decimal) -> bool:
        return touch >= self.level if self.reached == "at_or_above" else touch <= self.level


def resting(order_id: UUID, position: int, version: int, order: Order) -> Resting | None:
    """The order's place in the book, None where it doesn't wait for a price."""
    if not order.waits_for_price or order.limit_price is None:
        return None
    sells, level, minimum_out, armed_at = order.side == "sell", order.limit_price, None, None
    if order.stop_price is not None and not order.stop_reached:
        level, reached = order.stop_price, "at_or_below" if sells else "at_or_above"
    else:
        reached = "at_or_above" if sells else "at_or_below"
        if order.rest is not None and order.rest.armed_at is None:
            # Armed by a touch 1 bp better than the one it rested at, or by a quote at size.
            better = order.rest.touch * (BPS + 1 if sells else BPS - 1) / BPS
            level, minimum_out = (max if sells else min)(level, better), order.minimum_out
        elif order.rest is not None:
            armed_at = order.rest.armed_at
    return Resting(
        order_id=order_id,
        position=position,
        version=version,
        pair=order.pair,
        side=order.side,
        level=level,
        reached="at_or_above" if reached == "at_or_above" else "at_or_below",
        amount_in=order.amount_in,
        minimum_out=minimum_out,
        armed_at=armed_at,
    )
