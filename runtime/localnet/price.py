"""``surefill localnet price``: what a pair costs on the local chain, and moving it there by real swaps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from chains.solana_client import SolanaChain
from domain.numbers import BPS, U64_MAX, ratio
from domain.tokens import Pair
from runtime.localnet.keyfile import read_keypair
from runtime.localnet.program import PROGRAM_ID
from runtime.localnet.world import pair_called
from venues.constant_product import Pool, amount_out, swap_instruction
from venues.pools import PoolBook

_TOLERANCE = Fraction(1, BPS)
_POLL_SECONDS = 0.05
_MOVE_SECONDS = 60.0


class PriceNotReached(Exception):
    """The pools could not be brought to the price: too far for the market wallet, or others kept trading."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """A pool and its reserves in base units."""

    pool: Pool
    base: int
    quote: int


async def price(rpc_url: str, pair: str) -> Decimal:
    """Quote per base over all pools of ``pair`` (``SOL/USDC``), each by its depth. Raises ``UnknownPair``."""
    named = pair_called(pair)
    async with SolanaChain(rpc_url) as chain:
        standing = await _standing(PoolBook(chain, PROGRAM_ID), named)
    quote, base = sum(one.quote for one in standing), sum(one.base for one in standing)
    return ratio(quote, named.quote.decimals, base, named.base.decimals)


async def move(rpc_url: str, market_keypair: Path, pair: str, target: Decimal) -> None:
    """Swap from the market wallet until every pool of ``pair`` is within 1 bp of ``target``, quote per base.

    Raises ``UnknownPair``, ``PriceNotReached`` after a minute or where the wallet holds too little, and ``ValueError``
    for a target that is no positive number.
    """
    named = pair_called(pair)
    if not (target.is_finite() and target > 0):
        raise ValueError(f"a price is a positive number, not {target}")
    aim = Fraction(target) * Fraction(10) ** (named.quote.decimals - named.base.decimals)
    async with SolanaChain(rpc_url) as chain:
        book, market = PoolBook(chain, PROGRAM_ID), read_keypair(market_keypair)
        try:
            async with asyncio.timeout(_MOVE_SECONDS):
                while off := [one for one in await _standing(book, named) if not _reached(one, aim)]:
                    await _swap(chain, market, named, aim, off)
        except TimeoutError:
            raise PriceNotReached(f"{pair} was not at {target} after {_MOVE_SECONDS:.0f} s: others trade it") from None


def amount_to_reach(reserve_in: int, reserve_out: int, fee_bps: int, rate: Fraction) -> int | None:
    """The least amount in after which the pool holds at least ``rate`` of the one token for each of the other.

    None where no amount of 64 bits does it. The rate after a swap only grows with its amount, so halving finds it.
    """

    def reaches(amount: int) -> bool:
        out = amount_out(amount, reserve_in, reserve_out, fee_bps) or 0
        return reserve_in + amount >= rate * (reserve_out - out)

    least, most = 1, U64_MAX - reserve_in
    if not reaches(most):
        return None
    while least < most:
        middle = (least + most) // 2
        if reaches(middle):
            most = middle
        else:
            least = middle + 1
    return least


async def _standing(book: PoolBook, pair: Pair) -> list[_Standing]:
    await book.load()
    pools = book.pools(pair.base.mint, pair.quote.mint)
    _, amounts = await book.reserves(pools)
    vaults = [(pool, *pool.vaults_for(pair.base.mint)) for pool in pools]
    return [_Standing(pool, amounts[base], amounts[quote]) for pool, base, quote in vaults]


def _reached(one: _Standing, aim: Fraction) -> bool:
    return abs(Fraction(one.quote, one.base) / aim - 1) <= _TOLERANCE


async def _swap(chain: SolanaChain, market: Keypair, pair: Pair, aim: Fraction, off: Sequence[_Standing]) -> None:
    """One swap in each pool that is off, all at once, and wait until they are in a block or never will be."""
    latest = await chain.latest_blockhash()
    held = await chain.token_balances(str(market.pubkey()), [pair.base.mint, pair.quote.mint])
    signatures = []
    for one in off:
        up = Fraction(one.quote, one.base) < aim
        paid = pair.quote if up else pair.base
        reserves = (one.quote, one.base) if up else (one.base, one.quote)
        amount = amount_to_reach(*reserves, one.pool.fee_bps, aim if up else 1 / aim)
        if amount is None or amount > held[paid.mint]:
            raise PriceNotReached(f"the market wallet holds too little {paid.symbol} to move {pair.symbol} that far")
        held[paid.mint] -= amount
        # Whatever it gets is right: this wallet is here to move prices, not to earn.
        swap = swap_instruction(
            one.pool, owner=str(market.pubkey()), token_in=paid.mint, amount_in=amount, minimum_out=1
        )
        message = MessageV0.try_compile(market.pubkey(), [swap], [], Hash.from_string(latest.blockhash))
        transaction = VersionedTransaction(message, [market])
        await chain.send(bytes(transaction))
        signatures.append(str(transaction.signatures[0]))
    # Confirmed, because that is what the reserves are read at.
    while not all(one and one.commitment != "processed" for one in (await chain.statuses(signatures)).found):
        if await chain.block_height("confirmed") > latest.last_valid_block_height:
            return
        await asyncio.sleep(_POLL_SECONDS)
