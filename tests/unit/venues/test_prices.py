"""The touch: the best venue's marginal price after its fee, rounded against the order."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from domain.tokens import SOL, USDC, pair_of
from venues.prices import Depth, price_of

PAIR = pair_of(SOL, USDC)
RESERVES = st.integers(10**6, 2**60)


def test_the_touch_is_the_best_venues_price_after_its_fee():
    dear, cheap = Depth("Orca", 30, 10**15, 150 * 10**12), Depth("Meteora", 20, 10**15, 150 * 10**12)
    price = price_of(PAIR, [dear, cheap])
    assert price is not None
    assert price.sell == Decimal("149.7")
    assert price.buy == Decimal("150.300601202404810")
    assert price.out("sell", 10**9) == cheap.out("sell", 10**9)


def test_a_pool_that_is_empty_has_no_price():
    assert price_of(PAIR, [Depth("Orca", 30, 0, 5)]) is None


@given(RESERVES, RESERVES, st.integers(0, 9_999), st.integers(1, 10**12))
def test_no_amount_gets_a_better_price_than_the_touch(base, quote, fee, amount):
    depth = Depth("Orca", fee, base, quote)
    price = price_of(PAIR, [depth])
    assert price is not None
    scale = Fraction(10) ** (SOL.decimals - USDC.decimals)
    if sold := depth.out("sell", amount):
        assert Fraction(sold, amount) * scale <= Fraction(price.sell) * (1 + Fraction(1, 10**16))
    if bought := depth.out("buy", amount):
        assert Fraction(amount, bought) * scale >= Fraction(price.buy) * (1 - Fraction(1, 10**16))
