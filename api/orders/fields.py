"""Single fields of a request: each reader gives a value or raises the problem that names its field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Context, Decimal
from typing import Any, cast, get_args

from api.errors import ProblemError
from api.orders.document import Digits, shown
from api.orders.instants import instant
from domain.numbers import BPS, PRICE_DIGITS, U64_MAX, plain, to_base_units
from domain.terms import OrderType, TimeInForce
from domain.tokens import Token, TokenList

# Longer than any number that means something here, shorter than one that costs time to read.
_NUMBER_LENGTH = 128
_EXACT = Context(prec=_NUMBER_LENGTH)
_PRICE_MAGNITUDE = 30
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,9})?", re.ASCII)
_TYPES, _TIMES_IN_FORCE = get_args(OrderType), get_args(TimeInForce)
_CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


def invalid(code: str, detail: str, field: str) -> ProblemError:
    """A body that can be read and means nothing we can do."""
    return ProblemError(422, code, detail, field=field)


def order_type(value: Any, field: str) -> OrderType:
    """One of the types as text; a market order where there is none."""
    if value is None:
        return "market"
    if not _is_one_of(_TYPES, value):
        raise invalid("unknown_type", f"An order is {_either(_TYPES)}.", field)
    return cast(OrderType, value)


def time_in_force(value: Any, field: str) -> TimeInForce:
    """One of the four as text; `gtc` where there is none."""
    if value is None:
        return "gtc"
    if not _is_one_of(_TIMES_IN_FORCE, value):
        raise invalid("unknown_time_in_force", f"{field} is {_either(_TIMES_IN_FORCE)}.", field)
    return cast(TimeInForce, value)


def _is_one_of(words: Sequence[str], value: Any) -> bool:
    """Whether ``value`` is one of ``words``, as text."""
    return isinstance(value, str) and not isinstance(value, Digits) and value in words


def _either(words: Sequence[str]) -> str:
    """``words`` as a sentence lists them."""
    *others, last = words
    return f"{', '.join(others)} or {last}"


def expires_at(value: Any, in_force: TimeInForce, field: str) -> datetime | None:
    """An instant for a `gtd` order, None for any other."""
    if value is None:
        if in_force == "gtd":
            raise invalid("missing_expires_at", f"A gtd order needs its {field}.", field)
        return None
    if in_force != "gtd":
        raise invalid("expires_at_not_allowed", f"{field} is for orders whose timeInForce is gtd.", field)
    at = instant(value) if isinstance(value, str) and not isinstance(value, Digits) else None
    if at is None:
        raise invalid("invalid_expiry", f"{field} is an instant as 2026-01-01T00:00:00Z.", field)
    return at


def token(value: Any, tokens: TokenList, field: str) -> Token:
    """A token by its symbol, in any case, or by its mint."""
    if not isinstance(value, str) or isinstance(value, Digits):
        raise invalid("unknown_token", f"{field} must be a token's symbol or mint, as text.", field)
    found = tokens.find(value)
    if found is None:
        raise invalid("unknown_token", f"There is no token {shown(value)} here; GET /api/network lists them.", field)
    return found


def amount(value: Any, of: Token, field: str) -> int:
    """A positive amount in token units, as base units that fit a u64."""
    number = _number(value, "invalid_amount", field)
    if number <= 0:
        raise invalid("amount_not_positive", f"{field} must be more than zero.", field)
    # Compared by magnitude first: turning 1e999999999 into an integer would take all memory there is.
    if number.adjusted() > len(str(U64_MAX)):
        raise _too_large(of, field)
    if number.adjusted() < -of.decimals:
        raise _too_fine(of, field)
    units = to_base_units(number, of.decimals)
    if units is None:
        raise _too_fine(of, field)
    if units > U64_MAX:
        raise _too_large(of, field)
    return units


def price(value: Any, field: str) -> Decimal:
    """A positive price, quote tokens for a base token, of at most 18 significant digits."""
    number = _number(value, "invalid_price", field)
    if number <= 0:
        raise invalid("invalid_price", f"{field} must be more than zero.", field)
    if not -_PRICE_MAGNITUDE <= number.adjusted() <= _PRICE_MAGNITUDE:
        raise invalid("invalid_price", f"{field} is no price of any pair: 1e-30 to 1e30.", field)
    if len(number.normalize(_EXACT).as_tuple().digits) > PRICE_DIGITS:
        raise invalid("invalid_price", f"{field} has more than {PRICE_DIGITS} significant digits.", field)
    return Decimal(plain(number))


def slippage_bps(value: Any, field: str) -> int:
    """Whole basis points, 0 to 10,000."""
    return _bps(value, 0, f"{field} must be whole basis points.", field)


def slippage_fraction(value: Any, field: str) -> int:
    """A fraction, 0 to 1, that is a whole number of basis points: ``0.005`` is 50."""
    return _bps(value, 4, f"{field} must be a fraction in steps of 0.0001.", field)


def trail_bps(value: Any, kind: OrderType, field: str) -> int | None:
    """Whole basis points, 1 to 9,999, for a trailing stop; None for any other order."""
    if value is None:
        if kind == "trailing-stop":
            raise invalid("missing_trail", f"A trailing-stop order needs its {field}.", field)
        return None
    if kind != "trailing-stop":
        raise invalid("trail_not_allowed", f"A {kind} order takes no {field}.", field)
    number = _number(value, "invalid_trail", field)
    bps = to_base_units(number, 0) if 1 <= number < BPS else None
    if bps is None:
        raise invalid("invalid_trail", f"{field} must be whole basis points, 1 to {BPS - 1}.", field)
    return bps


def client_order_id(value: Any, field: str) -> str:
    """1 to 64 of ``A-Za-z0-9._:-``."""
    if not isinstance(value, str) or isinstance(value, Digits) or not _CLIENT_ORDER_ID.fullmatch(value):
        raise invalid("invalid_client_order_id", f"{field} must be 1 to 64 of A-Z a-z 0-9 . _ : - as text.", field)
    return value


def _number(value: Any, code: str, field: str) -> Decimal:
    # A JSON number comes as its digits; true, null and nested things are no text and end here.
    if isinstance(value, str) and len(value) <= _NUMBER_LENGTH and _NUMBER.fullmatch(value):
        return Decimal(value)
    raise invalid(code, f"{field} must be a decimal number, or its digits as text.", field)


def _bps(value: Any, decimals: int, rule: str, field: str) -> int:
    number = _number(value, "invalid_slippage", field)
    if number == 0:
        return 0
    if number < 0 or number.adjusted() > len(str(BPS)):
        raise _slippage_out_of_range(field)
    bps = to_base_units(number, decimals) if number.adjusted() >= -decimals else None
    if bps is None:
        raise invalid("invalid_slippage", rule, field)
    if bps > BPS:
        raise _slippage_out_of_range(field)
    return bps


def _slippage_out_of_range(field: str) -> ProblemError:
    return invalid("slippage_out_of_range", f"{field} must be 0 to 10,000 basis points.", field)


def _too_large(of: Token, field: str) -> ProblemError:
    return invalid("amount_too_large", f"{field} is more {of.symbol} than the chain can count.", field)


def _too_fine(of: Token, field: str) -> ProblemError:
    return invalid("too_many_decimals", f"{of.symbol} has {of.decimals} decimals; {field} has more.", field)
