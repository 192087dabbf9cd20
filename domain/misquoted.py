"""The bounds of a market order whose first quote was none to rely on: its venue proposed what was refused for it.

They are wider by as much as such a quote may stand out from all others and still be taken, so that an honest venue can
fill the order: once an order, so that nobody walks them, and never after anything was signed with the first ones.
"""

from __future__ import annotations

from domain.numbers import U64_MAX, less_slippage, plus_slippage
from domain.order import Order
from domain.routing import MOST_ABOVE_BPS


def may_be_widened(order: Order) -> bool:
    """An order with a limit is bound by that, and by no quote."""
    return order.limit_price is None and not order.misquoted and not order.attempts


def widened(order: Order) -> tuple[int | None, int | None]:
    """What ``first_minimum_out`` and ``first_maximum_in`` become."""
    minimum, maximum = order.first_minimum_out, order.first_maximum_in
    return (
        None if minimum is None else less_slippage(minimum, MOST_ABOVE_BPS),
        None if maximum is None else min(plus_slippage(maximum, MOST_ABOVE_BPS), U64_MAX),
    )
