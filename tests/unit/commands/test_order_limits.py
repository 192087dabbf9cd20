"""What an order is worth for its account's limits, where it names what it gets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from commands.order_limits import notional_of
from domain.terms import OrderTerms
from domain.tokens import SOL, USDC, USDT, Pair, pair_of
from venues.prices import Depth, PairPrice

MARKET = {"SOL/USDC": Decimal(150), "SOL/USDT": Decimal(75)}


def at(price: Decimal, *depths: Depth) -> PairPrice:
    return PairPrice(pair_of(SOL, USDC), price, price, depths)


async def market(pair: Pair) -> PairPrice:
    return at(MARKET[pair.symbol])


async def thin(pair: Pair) -> PairPrice:
    """100 SOL against 15,000 USDC."""
    return at(Decimal(150), Depth("Raydium", 0, 100 * 10**9, 15_000 * 10**6))


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
    assert await notional_of(exact_out(**terms), market) == Decimal(worth)


@pytest.mark.parametrize(
    ("terms", "worth"),
    [
        # Nine tenths of what the pool has cost nine times what it holds of the other token.
        ({"type": "market", "amount_out": 90 * 10**9}, "136350.000001"),
        ({"stop_price": Decimal(300), "amount_out": 90 * 10**9}, "272700.000002"),
        ({"type": "market", "token_in": SOL, "token_out": USDC, "amount_out": 7_500 * 10**6}, "15150.0000003"),
        # The pool doesn't have so much: who fills it all the same is found by the market's price.
        ({"type": "market", "amount_out": 100 * 10**9}, "15150"),
    ],
)
async def test_an_exact_amount_out_is_worth_what_the_pools_take_for_so_much(terms: dict[str, Any], worth: str) -> None:
    found = await notional_of(exact_out(**terms), thin)
    assert abs(found - Decimal(worth)) <= Decimal("0.000002"), found
