"""Limit and stop-limit orders around the current price: what a market that walks meets sooner or later."""

from __future__ import annotations

import random
from decimal import ROUND_DOWN, Context, Decimal

from domain.numbers import plain
from domain.tokens import Pair, Side, Token
from localnet.world import DOLLARS
from venues.prices import PairPrice

BPS = Decimal("0.0001")
_PRICE = Context(prec=9)


def around(prices: dict[str, PairPrice], chance: random.Random) -> dict[str, str]:
    """Terms of an order on one of the pairs. One of a hundred is big enough to be felt, one of ten waits for a stop."""
    price = prices[chance.choice(sorted(prices))]
    side: Side = chance.choice(("sell", "buy"))
    away = 1 if side == "sell" else -1
    touch = price.touch(side)
    terms = _swap(price.pair, side, chance.choices((chance.randint(2, 20), 20_000), (99, 1))[0])
    if chance.random() < 0.1:
        stop = touch * (1 - away * chance.randint(5, 30) * BPS)
        limit = stop * (1 - away * chance.randint(-5, 30) * BPS)
        return {**terms, "type": "stop-limit", "stopPrice": _text(stop), "limitPrice": _text(limit)}
    return {**terms, "type": "limit", "limitPrice": _text(touch * (1 + away * chance.randint(-5, 40) * BPS))}


def _swap(pair: Pair, side: Side, dollars: int) -> dict[str, str]:
    paid, bought = (pair.base, pair.quote) if side == "sell" else (pair.quote, pair.base)
    return {"tokenIn": paid.symbol, "tokenOut": bought.symbol, "amountIn": _amount(paid, dollars)}


def _amount(token: Token, dollars: int) -> str:
    return plain((dollars / DOLLARS[token]).quantize(Decimal(1).scaleb(-token.decimals), rounding=ROUND_DOWN))


def _text(price: Decimal) -> str:
    return plain(_PRICE.plus(price))
