"""Orders that name the amount they get: the most that may be paid for it, which the chain keeps."""

from __future__ import annotations

from domain.numbers import U64_MAX, plus_slippage
from domain.order import Order
from domain.quotes import Quote

POLICY = "least-in"
POLICY_VERSION = 1


def maximum_in(quote: Quote, slippage_bps: int, ceiling: int | None) -> int:
    """The most the chain may take: the quote plus slippage, never above ``ceiling``.

    ``ceiling`` is a limit order's limit, or the maximum of a market order's first route: its slippage counts from
    there, so that a rising price can't walk it up attempt by attempt; or as ``domain.misquoted`` says.
    """
    most = min(plus_slippage(quote.amount_in, slippage_bps), U64_MAX)
    return most if ceiling is None else min(most, ceiling)


def maximum_of(order: Order, quote: Quote) -> int | None:
    """The same for ``order``; None where it names what it gives."""
    return None if order.amount_out is None else maximum_in(quote, order.slippage_bps, order.maximum_in)


def is_dearer(order: Order, quote: Quote) -> bool:
    """Whether ``quote`` takes more than the maximum of the order's first route."""
    return order.first_maximum_in is not None and quote.amount_in > order.first_maximum_in
