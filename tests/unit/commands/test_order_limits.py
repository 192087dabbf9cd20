"""What an order is worth for its account's limits, where it names what it gets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from commands.order_limits import notional_of
from domain.terms import OrderTerms
from domain.tokens import SOL, USDC, USDT, Pair, Side

MARKET = {"SOL/USDC": Decimal(150), "SOL/USDT": Decimal(75)}


async def touch(pair: Pair, side: Side) -> Decimal:
    return MARKET[pair.symbol]


def exact_out(**terms: Any) -> OrderTerms:
    buy = {"type": "stop", "token_in": USDC, "token_out": SOL, "amount_out": 2 * 10**9, "slippage_bps": 100}
    return OrderTerms.model_validate({**buy, "slippage_defaulted": False, **terms})


@pytest.mark.parametrize(
    ("terms", "worth"),
    [
        ({"type": "market"}, "303"),
        ({"stop_price": Decimal(300)}, "606"),
        ({"stop_price": Decimal(300), "token_in": USDT}, "1212"),
        # It is executed at once, at the market's price.
        ({"stop_price": Decimal(100)}, "303"),
        ({"type": "trailing-stop", "trail_bps": 1_000}, "333.3"),
        ({"type": "stop-limit", "stop_price": Decimal(300), "limit_price": Decimal(310)}, "620"),
        # What a sell gets is what it is worth, wherever its stop is.
        ({"token_in": SOL, "token_out": USDC, "amount_out": 10**8, "stop_price": Decimal(100)}, "101"),
    ],
)
async def test_an_exact_amount_out_is_worth_what_it_costs_where_its_stop_is(terms: dict[str, Any], worth: str) -> None:
    assert await notional_of(exact_out(**terms), touch) == Decimal(worth)
