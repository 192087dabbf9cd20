"""When a price is met. Limits trigger by level, stops latch; the limit is kept on chain as an integer minimum.

The touch is the best venue's marginal price in the order's direction, after that venue's fee.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from domain.backoff import Backoff
from domain.numbers import BPS, U64_MAX
from domain.tokens import Side, Token, pair_of

# A triggered limit order rests again when this long, or this many rejections, brought it no live attempt.
TRIGGERED_FOR = timedelta(seconds=120)
MOST_REJECTIONS = 3
# Armed again after 30 s, doubling to 10 min; an order whose quotes fell short is armed by its price instead.
REST = Backoff(first=timedelta(seconds=30), longest=timedelta(minutes=10))


def limit_met(side: Side, touch: Decimal, limit: Decimal) -> bool:
    """A sell is met at or above its limit, a buy at or below."""
    return touch >= limit if side == "sell" else touch <= limit


def stop_met(side: Side, touch: Decimal, stop: Decimal) -> bool:
    """A sell stop is reached at or below, a buy stop at or above."""
    return touch <= stop if side == "sell" else touch >= stop


def clearly_better(side: Side, touch: Decimal, rested_at: Decimal) -> bool:
    """At least 1 bp better for the order than the touch it rested at."""
    if side == "sell":
        return touch * BPS >= rested_at * (BPS + 1)
    return touch * BPS <= rested_at * (BPS - 1)


def limit_minimum(side: Side, amount_in: int, token_in: Token, token_out: Token, limit: Decimal) -> int:
    """The least base units out within ``limit``, rounded up: a sell's in x limit, a buy's in / limit."""
    price = Fraction(limit) if side == "sell" else 1 / Fraction(limit)
    exact = amount_in * price * Fraction(10) ** (token_out.decimals - token_in.decimals)
    return -(-exact.numerator // exact.denominator)


def limit_maximum(side: Side, amount_out: int, token_in: Token, token_out: Token, limit: Decimal) -> int:
    """The most base units in within ``limit``, rounded down: a sell's out / limit, a buy's out x limit."""
    price = 1 / Fraction(limit) if side == "sell" else Fraction(limit)
    exact = amount_out * price * Fraction(10) ** (token_in.decimals - token_out.decimals)
    return exact.numerator // exact.denominator


def out_of_reach(
    token_in: Token, token_out: Token, limit: Decimal, amount_in: int, amount_out: int | None, word: str = "limitPrice"
) -> str | None:
    """Why no swap can be within the limit, which its client calls ``word``: a sentence; None where one can."""
    side = pair_of(token_in, token_out).side(token_in)
    if amount_out is not None:
        most = limit_maximum(side, amount_out, token_in, token_out, limit)
        if most > U64_MAX:
            wiser = "higher" if side == "sell" else "lower"
            return (
                f"At this {word} the order may pay more {token_in.symbol} than the chain can count: name a {wiser} one."
            )
        return None if most else f"At this {word} the order would pay nothing."
    if limit_minimum(side, amount_in, token_in, token_out, limit) <= U64_MAX:
        return None
    return f"At this {word} the order asks for more {token_out.symbol} than the chain can count."


def is_rest_over(armed_at: datetime, now: datetime) -> bool:
    """Whether an order that rests until ``armed_at`` may trigger.

    No rest is longer than the longest: an end beyond that was written before the clock stepped back, and waiting for
    the clock to be there again would add to the rest whatever it stepped by.
    """
    return now >= armed_at or armed_at > now + REST.longest


def rest_until(now: datetime, rests: int) -> datetime:
    """When an order that could not be executed for the ``rests + 1``-th time is armed again."""
    return now + REST.after(rests + 1)
