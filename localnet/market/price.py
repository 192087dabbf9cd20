"""``surefill localnet price``: what a pair costs on the local chain, and moving it there by real swaps."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

from chains.solana_client import SolanaChain
from chains.wallet import read_keypair
from domain.numbers import ratio
from localnet.errors import PriceNotReachedError, UnknownPairError
from localnet.market.arbitrage import Arbitrage, pool_reserves
from localnet.world import pair_named
from venues.constant_product import PROGRAM_ID
from venues.pools import PoolBook

_MOVE_SECONDS = 60.0


async def price(rpc_url: str, pair: str) -> Decimal:
    """Quote per base over all pools of ``pair`` (``SOL/USDC``), each by its depth. Raises ``UnknownPairError``."""
    named = pair_named(pair)
    async with SolanaChain(rpc_url) as chain:
        pools = (await pool_reserves(PoolBook(chain, PROGRAM_ID), [named]))[named]
    if not any(pool.base for pool in pools):
        raise UnknownPairError(f"no pool of {pair} holds anything on the chain at SOLANA_RPC_URL")
    quote, base = sum(pool.quote for pool in pools), sum(pool.base for pool in pools)
    return ratio(quote, named.quote.decimals, base, named.base.decimals)


async def move(rpc_url: str, market_keypair: Path, pair: str, target: Decimal) -> None:
    """Swap from the market wallet until every pool of ``pair`` is within 1 bp of ``target``, quote per base.

    Raises ``UnknownPairError``, ``PriceNotReachedError`` after a minute or where the wallet holds too little, and
    ``ValueError`` for a target that is no positive number.
    """
    named = pair_named(pair)
    if not (target.is_finite() and target > 0):
        raise ValueError(f"a price is a positive number, not {target}")
    async with SolanaChain(rpc_url) as chain:
        arbitrage = Arbitrage(chain, PoolBook(chain, PROGRAM_ID), read_keypair(market_keypair))
        try:
            async with asyncio.timeout(_MOVE_SECONDS):
                while (done := await arbitrage.move_toward({named: target})).swaps:
                    pass
        except TimeoutError:
            raise PriceNotReachedError(
                f"{pair} was not at {target} after {_MOVE_SECONDS:.0f} s: others trade it"
            ) from None
        if done.short:
            raise done.short[named]
