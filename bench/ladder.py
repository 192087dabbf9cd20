"""Limit sells on a ladder of prices: each move of SOL/USDC, by a step, meets the orders of its rung."""

from __future__ import annotations

import json
from decimal import Decimal

FIRST_PRICE, STEP = Decimal(150), Decimal("0.5")
# What a seller gets of the pools' price: the cheapest venue's fee is 20 bp.
NET = Decimal("0.998")
# A thousandfold above any price.
FAR = 1_000_000
_PRICE = Decimal("1E-9")


def limits_met(moves: int, met: int) -> list[Decimal]:
    """Limits of ``met`` orders for each of ``moves`` moves: none is met before its own."""
    rungs = ((k, n) for k in range(moves) for n in range(1, met + 1))
    return [(NET * (FIRST_PRICE + STEP * k) + STEP * n / (met + 1)).quantize(_PRICE) for k, n in rungs]


def far_limits(count: int) -> list[Decimal]:
    return [Decimal(FAR + n) for n in range(count)]


def limit_order(price: Decimal) -> bytes:
    """The body of a request that sells a thousandth of a SOL."""
    terms = {"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": "0.001", "type": "limit", "limitPrice": f"{price:f}"}
    return json.dumps(terms).encode()
