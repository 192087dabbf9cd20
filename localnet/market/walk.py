"""Outside prices for the local pools: a seeded random walk of each token's worth. The same seed gives the same walk.

Tokens walk and not pairs, so that the prices of all pairs agree with each other at every step. A token stays between
0.71 and 1.40 times its first worth, and so a pair between half and double its first price.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from decimal import Context, Decimal

from domain.numbers import BPS, PRICE_DIGITS
from domain.tokens import USDC, USDT, Pair, Token
from localnet.world import DOLLARS

_START = 10**12
_LOWEST, _HIGHEST = _START * 71 // 100, _START * 140 // 100
# The number of steps in which a distance from the start would fall to about a third without random steps.
_REVERSION = 1_000
_PRICE = Context(prec=PRICE_DIGITS)

Prices = dict[Pair, Decimal]


def outside_prices(seed: int, volatility_bps: int, pairs: Sequence[Pair]) -> Iterator[Prices]:
    """Endless: the price of each pair, quote per base, step after step from the local world's first prices on.

    ``volatility_bps`` is the standard size of a token's step; no step is over three times that. Of the dollars, USDC
    stands still and USDT makes steps of a tenth.
    """
    tokens = {token for pair in pairs for token in (pair.base, pair.quote)}
    walks = {token: _walk(seed, token, volatility_bps) for token in tokens}
    while True:
        worth = {token: DOLLARS[token] * next(walk) for token, walk in walks.items()}
        yield {pair: _PRICE.divide(worth[pair.base], worth[pair.quote]) for pair in pairs}


def _walk(seed: int, token: Token, volatility_bps: int) -> Iterator[int]:
    """What the token is worth, in parts of ``_START``."""
    size = {USDC: 0, USDT: volatility_bps // 10}.get(token, volatility_bps)
    chance, level = random.Random(f"{seed} {token.mint}"), _START  # noqa: S311 - it is to be foreseeable
    while True:
        # The sum of three uniform draws from -size to size has the standard deviation size and is nearly normal.
        step = sum(chance.randint(-size, size) for _ in range(3))
        level += level * step // BPS + (_START - level) // _REVERSION
        level = min(max(level, _LOWEST), _HIGHEST)
        yield level
