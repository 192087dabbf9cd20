"""Amounts and prices are exact, whatever the size."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.numbers import (
    U64_MAX,
    BaseUnits,
    Price,
    Total,
    less_slippage,
    plain,
    ratio,
    to_base_units,
    to_units,
    total,
)
from domain.tokens import BONK, JUP, KNOWN_TOKENS, RAY, SOL, USDC, USDT, pair_of

AMOUNTS = st.integers(0, U64_MAX)
DECIMALS = st.integers(0, 12)


@given(AMOUNTS, DECIMALS)
def test_an_amount_survives_the_way_out_and_back(amount, decimals):
    text = to_units(amount, decimals)
    assert to_base_units(Decimal(text), decimals) == amount
    assert "E" not in text


@given(AMOUNTS.filter(lambda n: n % 10), DECIMALS)
def test_more_decimals_than_the_token_has_cannot_be_expressed(amount, decimals):
    assert to_base_units(Decimal(amount).scaleb(-decimals - 1), decimals) is None


@given(AMOUNTS, st.integers(0, 10_000))
def test_slippage_is_a_maximum(amount, bps):
    least = less_slippage(amount, bps)
    assert least * 10_000 >= amount * (10_000 - bps)
    assert (least - 1) * 10_000 < amount * (10_000 - bps)


@given(st.integers(1, U64_MAX), st.integers(1, U64_MAX))
def test_a_price_is_rounded_half_even_to_18_digits(quote, base):
    price = ratio(quote, 6, base, 9)
    assert len(price.as_tuple().digits) <= 18
    assert abs(price * base - Decimal(quote) * 1000) <= price * base * Decimal("1e-17")


@given(AMOUNTS)
def test_base_units_are_strings_in_json_and_ints_in_python(amount):
    adapter = TypeAdapter(BaseUnits)
    assert adapter.dump_json(amount) == b'"%d"' % amount
    assert adapter.validate_json(adapter.dump_json(amount)) == amount


@pytest.mark.parametrize("value", [1.0, True, "1.0", "-1", "1e3", -1, U64_MAX + 1, "٣", ""])
def test_base_units_take_nothing_but_digits(value):
    with pytest.raises(ValidationError):
        TypeAdapter(BaseUnits).validate_python(value)


@given(st.lists(AMOUNTS, max_size=4))
def test_a_total_is_always_read_and_at_most_the_greatest_u64(amounts):
    summed = total(*amounts)
    assert summed == min(sum(amounts), U64_MAX)
    adapter = TypeAdapter(Total)
    assert adapter.dump_json(summed) == b'"%d"' % summed
    # Earlier versions wrote the sum as it was.
    assert adapter.validate_python(sum(amounts)) == adapter.validate_json(f'"{sum(amounts)}"') == summed


@pytest.mark.parametrize("value", [1.0, True, "1.0", "-1", "1e3", -1, "9" * 41, ""])
def test_a_total_takes_nothing_but_digits(value):
    with pytest.raises(ValidationError):
        TypeAdapter(Total).validate_python(value)


@pytest.mark.parametrize("value", [1.5, "NaN", "Infinity", "1e3", True])
def test_a_price_is_never_a_float(value):
    with pytest.raises(ValidationError):
        TypeAdapter(Price).validate_python(value)


def test_decimals_are_shown_without_exponent():
    assert [plain(Decimal(text)) for text in ("1.50E+2", "1E-8", "0.10", "0")] == ["150", "0.00000001", "0.1", "0"]


@pytest.mark.parametrize(
    ("one", "other", "symbol"),
    [
        (SOL, USDC, "SOL/USDC"),
        (USDT, USDC, "USDT/USDC"),
        (BONK, SOL, "BONK/SOL"),
        (SOL, USDT, "SOL/USDT"),
        (JUP, RAY, "JUP/RAY"),
    ],
)
def test_a_pair_reads_the_same_whichever_way_round(one, other, symbol):
    assert pair_of(one, other).symbol == pair_of(other, one).symbol == symbol
    assert pair_of(one, other).side(pair_of(one, other).base) == "sell"


def test_tokens_are_found_by_symbol_and_by_mint():
    assert KNOWN_TOKENS.find("sol") is KNOWN_TOKENS.find(SOL.mint) is SOL
    assert KNOWN_TOKENS.find("DOGE") is None


@pytest.mark.parametrize(
    ("name", "token"), [("sol", SOL), (USDC.mint, USDC), ("\u017fOL", None), (SOL.mint.lower(), None)]
)
def test_a_token_is_found_by_its_symbol_in_any_case_and_by_nothing_that_looks_like_it(name, token):
    assert KNOWN_TOKENS.find(name) == token
