"""The tokens, pools and holdings of the local world, as amounts a person can check.

At the start the prices of all pairs agree with each other, so that there is nothing to gain from a round of swaps. The
pools have the names of Raydium, Meteora and Orca; all of them are pools of our own swap program.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.tokens import BONK, JUP, RAY, SOL, USDC, USDT, Pair, Token, pair_of
from localnet.errors import UnknownPairError

TOKENS = (SOL, USDC, USDT, JUP, RAY, BONK)

# US dollars a token unit, at the start.
DOLLARS = {
    SOL: Decimal(150),
    USDC: Decimal(1),
    USDT: Decimal(1),
    JUP: Decimal("0.75"),
    RAY: Decimal(3),
    BONK: Decimal("0.00003"),
}

_PAIRS = (
    (SOL, USDC),
    (SOL, USDT),
    (USDT, USDC),
    (JUP, USDC),
    (JUP, USDT),
    (JUP, SOL),
    (RAY, USDC),
    (RAY, USDT),
    (RAY, SOL),
    (BONK, SOL),
    (BONK, USDC),
    (BONK, USDT),
)

# Venue, fee in basis points, fee between the two dollars, depth. The cheapest is the shallowest: it wins small orders.
_VENUES = (
    ("Raydium", 25, 2, Decimal("1.25")),
    ("Meteora", 20, 1, Decimal("1.00")),
    ("Orca", 30, 4, Decimal("1.75")),
)

POOL_VENUES = tuple(venue for venue, *_ in _VENUES)

# Dollars on each side of a pool of depth 1: 1,000,000 SOL, a hundred times what the wallet holds.
_DEPTH = Decimal(150_000_000)

WALLET_LAMPORTS = 10_000 * 10**9
# What wallets had before orders made guards, which hold rent for a while: an older chain's gets the difference.
EARLIER_WALLET_LAMPORTS = 100 * 10**9
FAUCET_LAMPORTS = 100_000_000 * 10**9

# Token units. The wallet's are what an engine trades with; the market maker's move the largest pool of a pair far.
WALLET_HOLDS = {
    SOL: Decimal(10_000),
    USDC: Decimal(1_000_000),
    USDT: Decimal(1_000_000),
    JUP: Decimal(1_000_000),
    RAY: Decimal(400_000),
    BONK: Decimal(40_000_000_000),
}
MARKET_HOLDS = {
    SOL: Decimal(100_000_000),
    USDC: Decimal(100_000_000_000),
    USDT: Decimal(100_000_000_000),
    JUP: Decimal(100_000_000_000),
    RAY: Decimal(10_000_000_000),
    BONK: Decimal(50_000_000_000_000),
}


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """A pool as it starts: ``base`` and ``quote`` are reserves in base units."""

    venue: str
    pair: Pair
    fee_bps: int
    base: int
    quote: int


def base_units(token: Token, amount: Decimal) -> int:
    """``amount`` token units, which must be a whole number of base units."""
    scaled = amount.scaleb(token.decimals)
    if scaled != int(scaled):
        raise ValueError(f"{amount} {token.symbol} is no whole number of base units")
    return int(scaled)


def pools() -> list[PoolSpec]:
    """Every pool: each pair at each venue, all of a pair at the same price."""
    specs = []
    for first, second in _PAIRS:
        pair = pair_of(first, second)
        for venue, fee, dollar_fee, depth in _VENUES:
            dollars = _DEPTH * depth
            specs.append(
                PoolSpec(
                    venue=venue,
                    pair=pair,
                    fee_bps=dollar_fee if {first, second} == {USDC, USDT} else fee,
                    base=base_units(pair.base, dollars / DOLLARS[pair.base]),
                    quote=base_units(pair.quote, dollars / DOLLARS[pair.quote]),
                )
            )
    return specs


def pairs() -> list[Pair]:
    """Every pair that has pools."""
    return [pair_of(first, second) for first, second in _PAIRS]


def pair_named(name: str) -> Pair:
    """The pair written ``BASE/QUOTE`` in symbols. Raises ``UnknownPairError``."""
    found = {pair.symbol: pair for pair in pairs()}
    if name.upper() not in found:
        raise UnknownPairError(f"no pools trade {name}; the local chain has {', '.join(found)}")
    return found[name.upper()]
