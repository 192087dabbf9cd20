"""The priority fee of an attempt: each that joins others offers twice as much, within what its order may offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # whoever reads a setting needs a price of here, and no orders
    from domain.order import Order

MICRO = 1_000_000
FIRST_PRICE = 10_000
"""What the second attempt offers for a compute unit, in micro-lamports; the first offers nothing."""


@dataclass(frozen=True, slots=True)
class Priority:
    """``price`` in micro-lamports a compute unit, and the most that comes to, rounded up, in ``lamports``."""

    price: int
    lamports: int


def priority_of(order: Order, unit_limit: int, most_lamports: int, *, hint: int = 0) -> Priority:
    """What the order's next attempt offers, which may use ``unit_limit`` compute units.

    ``most_lamports`` is for all of the order's attempts together, whatever becomes of each. ``hint`` is what a venue
    would offer for a unit: at least so much, as far as that leaves enough for two that join, each at twice the price.
    """
    dearest = max((attempt.compute_unit_price for attempt in order.attempts), default=0)
    wanted = max(2 * dearest, FIRST_PRICE) if order.live_attempts else dearest
    left = most_lamports - sum(attempt.priority_fee_lamports for attempt in order.attempts)
    hinted = min(hint, max(0, left) * MICRO // unit_limit // 7)
    price = min(max(wanted, hinted), max(0, left) * MICRO // unit_limit)
    return Priority(price, -(-price * unit_limit // MICRO))


def outbids(order: Order, priority: Priority) -> bool:
    """Whether it offers more than each attempt that may still land."""
    return all(priority.price > attempt.compute_unit_price for attempt in order.live_attempts)
