"""Amounts and prices: integers in base units, exact decimals, never a float.

Inside, an amount is an ``int`` of base units (lamports, micro-USDC...), a u64 as the chain's token programs have it.
Outside, it is decimal token units as text without exponent.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Annotated, Any

from pydantic import BeforeValidator, GetCoreSchemaHandler, PlainSerializer
from pydantic_core import CoreSchema, core_schema

U64_MAX = 2**64 - 1
I64_MAX = 2**63 - 1
BPS = 10_000
PRICE_DIGITS = 18

_PLAIN = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
# Wide enough that no product of two u64 is ever rounded on its way to a price.
_EXACT = Context(prec=80)


def total(*amounts: int) -> int:
    """The sum of ``amounts``, base units of one token; where no u64 holds it the greatest one: a lie may be in it."""
    return min(sum(amounts), U64_MAX)


class _Total:
    """As base units are read; a greater integer that an earlier version wrote is read as the greatest u64."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        greater = core_schema.union_schema(
            [
                core_schema.int_schema(gt=U64_MAX, strict=True),
                core_schema.chain_schema(
                    [core_schema.str_schema(pattern="^[0-9]{20,40}$", strict=True), core_schema.int_schema(gt=U64_MAX)]
                ),
            ]
        )
        clamped = core_schema.no_info_after_validator_function(total, greater)
        return core_schema.union_schema(
            [_BaseUnits().__get_pydantic_core_schema__(source, handler), clamped],
            mode="left_to_right",
            custom_error_type="base_units",
            custom_error_message="base units are an integer or its digits as text",
            serialization=core_schema.to_string_ser_schema(when_used="json"),
        )


class _BaseUnits:
    """An integer, or its digits as text; JSON has the digits. Read without a call into Python: an order has fifty."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        integer = core_schema.int_schema(ge=0, le=U64_MAX, strict=True)
        digits = core_schema.str_schema(pattern="^[0-9]{1,20}$", strict=True)
        return core_schema.union_schema(
            [integer, core_schema.chain_schema([digits, core_schema.int_schema(ge=0, le=U64_MAX)])],
            mode="left_to_right",
            custom_error_type="base_units",
            custom_error_message="base units are an integer or its digits as text",
            serialization=core_schema.to_string_ser_schema(when_used="json"),
        )


def _decimal(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return Decimal(value)
    raise ValueError("a price is a decimal or its digits as text, never a float")


def plain(value: Decimal) -> str:
    """The digits of ``value`` without exponent and without trailing zeros: ``Decimal("1.50E+2")`` is ``"150"``."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


BaseUnits = Annotated[int, _BaseUnits()]
"""An amount in base units, 0 to 2^64-1; a string of digits in JSON, where numbers lose precision past 2^53."""

Total = Annotated[int, _Total()]
"""A ``total`` of an order's state, which is read whatever an earlier version summed up."""

Price = Annotated[Decimal, BeforeValidator(_decimal), PlainSerializer(plain, return_type=str, when_used="json")]
"""Quote tokens per base token, at most 18 significant digits; plain decimal text in JSON."""


def to_units(amount: int, decimals: int) -> str:
    """``amount`` base units as decimal token units: ``to_units(1_500_000_000, 9)`` is ``"1.5"``."""
    if not decimals:
        return str(amount)
    digits = f"{abs(amount):0{decimals + 1}}"
    sign, rest = "-" if amount < 0 else "", digits[-decimals:].rstrip("0")
    return f"{sign}{digits[:-decimals]}.{rest}" if rest else f"{sign}{digits[:-decimals]}"


def to_base_units(amount: Decimal, decimals: int) -> int | None:
    """``amount`` token units in base units, or None where the token has too few decimals to express it."""
    if not amount.is_finite() or amount.is_signed():
        raise ValueError("an amount is finite and not negative")
    numerator, denominator = amount.as_integer_ratio()
    whole, rest = divmod(numerator * 10**decimals, denominator)
    return None if rest else whole


def less_slippage(amount: int, slippage_bps: int) -> int:
    """The least of ``amount`` base units that a slippage tolerance accepts, rounded up: the tolerance is a maximum."""
    return -(-amount * (BPS - slippage_bps) // BPS)


def plus_slippage(amount: int, slippage_bps: int) -> int:
    """The most of ``amount`` base units that a slippage tolerance accepts, rounded down: the tolerance is a maximum."""
    return amount * (BPS + slippage_bps) // BPS


def ratio(quote_amount: int, quote_decimals: int, base_amount: int, base_decimals: int) -> Decimal:
    """Quote per base in token units, rounded half-even to 18 significant digits. ``base_amount`` is positive."""
    with localcontext(_EXACT):
        exact = Decimal(quote_amount).scaleb(base_decimals - quote_decimals) / Decimal(base_amount)
        return Context(prec=PRICE_DIGITS, rounding=ROUND_HALF_EVEN).plus(exact)
