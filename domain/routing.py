"""The routing policy: the best net amount out at the order's size, or the least in for it."""

from __future__ import annotations

from collections.abc import Sequence

from domain.numbers import less_slippage
from domain.quotes import Quote

POLICY = "best-net-out"
POLICY_VERSION = 1
MOST_ABOVE_BPS = 500
"""How far above the best of all others a remote quote may be: with more it isn't taken."""


def best(quotes: Sequence[Quote]) -> Quote | None:
    """The quote with the most out, net of venue fees, of equals that with the least in; then the first by venue name,
    then pool. All are for one amount in, or all for one amount out.
    """
    return min(quotes, key=lambda one: (-one.amount_out, one.amount_in, one.venue, one.pool), default=None)


def minimum_out(quote: Quote, slippage_bps: int, floor: int | None) -> int:
    """The least the chain may pay out: the quote less slippage, at least one unit, never below ``floor``.

    ``floor`` is a limit order's limit, or the minimum of a market order's first route: its slippage counts from there,
    so that a falling price can't walk it down attempt by attempt. Where that route's venue then proposed what was
    refused, or swaps that give less than its quotes, and nothing was signed before, it counts as ``domain.misquoted``
    says.
    """
    return max(1, less_slippage(quote.amount_out, slippage_bps), floor or 0)
