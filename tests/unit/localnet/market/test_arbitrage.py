"""The amount that moves a pool to a rate, found by halving."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from localnet.market.arbitrage import amount_to_reach
from venues.constant_product import amount_out

reserves = st.integers(10**6, 10**17)


def rate_after(amount: int, x: int, y: int, fee_bps: int) -> Fraction:
    return Fraction(x + amount, y - (amount_out(amount, x, y, fee_bps) or 0))


@given(reserves, reserves, st.integers(0, 100), st.fractions(Fraction(101, 100), Fraction(3)))
def test_the_amount_reaches_the_rate_and_no_lesser_one_does(x: int, y: int, fee_bps: int, step: Fraction) -> None:
    aim = Fraction(x, y) * step
    amount = amount_to_reach(x, y, fee_bps, aim)
    assert amount is not None
    assert rate_after(amount, x, y, fee_bps) >= aim
    assert rate_after(amount - 1, x, y, fee_bps) < aim


def test_a_rate_no_amount_reaches_is_none() -> None:
    assert amount_to_reach(10**18, 10**18, 30, Fraction(10**30)) is None
