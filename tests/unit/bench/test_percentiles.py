from __future__ import annotations

import pytest

from bench.percentiles import percentile, rank_name, shown


def test_a_percentile_is_a_value_that_was_measured():
    values = [float(n) for n in range(1, 1_001)]
    assert [percentile(values, rank) for rank in (50, 95, 99, 99.9, 100)] == [500, 950, 990, 999, 1_000]


def test_the_order_of_the_values_does_not_matter():
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0


def test_few_values_have_their_largest_as_a_high_percentile():
    assert percentile([1.0, 2.0, 9.0], 99.9) == 9.0
    assert percentile([4.0], 50) == 4.0


@pytest.mark.parametrize(("values", "rank"), [([], 50), ([1.0], 0), ([1.0], 100.1)])
def test_what_has_no_percentile_is_refused(values: list[float], rank: float):
    with pytest.raises(ValueError, match=r"rank|no values"):
        percentile(values, rank)


def test_figures_are_shown_with_three_digits():
    assert [shown(one) for one in (0, 0.01234, 1.234, 12.34, 1234.5, -250.0)] == [
        "0", "0.0123", "1.23", "12.3", "1,234", "-250",
    ]  # fmt: skip
    assert [rank_name(one) for one in (50.0, 99.9)] == ["p50", "p99.9"]
