from __future__ import annotations

import json
from decimal import Decimal

from bench.ladder import FAR, FIRST_PRICE, NET, STEP, far_limits, limit_order, limits_met


def test_each_move_meets_its_rung_and_no_other():
    moves, met = 4, 50
    limits = limits_met(moves, met)
    assert len(set(limits)) == len(limits) == moves * met
    for k in range(moves + 1):
        touch = NET * (FIRST_PRICE + STEP * k)
        assert [limit <= touch for limit in limits] == [True] * (k * met) + [False] * ((moves - k) * met)


def test_far_limits_are_never_met():
    assert min(far_limits(3)) == FAR


def test_a_price_is_written_in_digits():
    assert json.loads(limit_order(Decimal("1E+6")))["limitPrice"] == "1000000"
