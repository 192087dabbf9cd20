"""Prices outside: foreseeable by their seed, within bounds, and of about the size that was asked for."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import islice, pairwise
from statistics import pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.tokens import JUP, SOL, USDC, USDT, Pair, pair_of
from localnet.market.walk import Prices, outside_prices
from localnet.world import DOLLARS, pairs

SOL_USDC, JUP_USDC, JUP_SOL, USDT_USDC = (pair_of(*two) for two in ((SOL, USDC), (JUP, USDC), (JUP, SOL), (USDT, USDC)))


def walk(steps: int, *of: Pair, seed: int = 1, volatility: int = 10) -> list[Prices]:
    return list(islice(outside_prices(seed, volatility, of or pairs()), steps))


def test_the_same_seed_gives_the_same_walk_and_another_seed_another():
    assert walk(200) == walk(200)
    assert walk(200)[-1] != walk(200, seed=2)[-1]


def test_a_seed_is_a_promise():
    assert [str(step[SOL_USDC]) for step in walk(3, SOL_USDC, seed=7)] == ["150.135", "150.134865", "150.0596627025"]


def test_a_pair_walks_alike_whichever_pairs_walk_beside_it():
    alone, among = walk(100, SOL_USDC), walk(100)
    assert [step[SOL_USDC] for step in alone] == [step[SOL_USDC] for step in among]


def test_it_begins_near_the_local_worlds_first_price():
    first = walk(1, SOL_USDC)[0][SOL_USDC]
    assert abs(first / DOLLARS[SOL] - 1) <= Decimal("0.003")


@settings(max_examples=10, deadline=None)
@given(st.integers(), st.integers(1, 500))
def test_every_pair_stays_between_half_and_double_its_start_and_no_price_is_finer_than_18_digits(seed, volatility):
    for step in walk(1_500, seed=seed, volatility=volatility):
        for pair, price in step.items():
            assert Decimal("0.5") < price * DOLLARS[pair.quote] / DOLLARS[pair.base] < 2
            assert len(price.as_tuple().digits) <= 18


@pytest.mark.parametrize("volatility", [1, 10, 100])
def test_steps_are_of_the_size_asked_for(volatility: int):
    prices = [step[SOL_USDC] for step in walk(5_000, SOL_USDC, volatility=volatility)]
    steps = [float(after / before - 1) * 10_000 for before, after in pairwise(prices)]
    assert 0.8 * volatility < pstdev(steps) < 1.6 * volatility
    assert max(abs(step) for step in steps) <= 3.4 * volatility


def test_it_leans_neither_way():
    ends = [walk(500, SOL_USDC, seed=seed)[-1][SOL_USDC] / DOLLARS[SOL] for seed in range(100)]
    assert abs(sum(ends) / len(ends) - 1) < Decimal("0.01")


def test_every_circle_closes_and_the_dollars_hardly_move():
    for step in walk(300, volatility=50):
        around = Fraction(step[JUP_SOL]) * Fraction(step[SOL_USDC]) / Fraction(step[JUP_USDC])
        assert abs(around - 1) < Fraction(1, 10**15)
        assert abs(step[USDT_USDC] - 1) < Decimal("0.05")
