"""Moves the local pools to a given price by real swaps from the market wallet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from chains.solana_client import SolanaChain
from domain.numbers import BPS, U64_MAX
from domain.tokens import Pair
from localnet.errors import PriceNotReachedError
from venues.constant_product import Pool, amount_out, swap_instruction
from venues.pools import PoolBook

_TOLERANCE = Fraction(1, BPS)
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class PoolReserves:
    """A pool and its reserves in base units."""

    pool: Pool
    base: int
    quote: int


@dataclass(frozen=True, slots=True)
class Round:
    """How many swaps were made in the pools of each pair, and the pairs for which the wallet holds too little."""

    swaps: dict[Pair, int]
    short: dict[Pair, PriceNotReachedError]


async def pool_reserves(book: PoolBook, pairs: Sequence[Pair]) -> dict[Pair, list[PoolReserves]]:
    """The pools of each pair, in one read of the chain."""
    await book.load()
    pools = {pair: book.pools(pair.base.mint, pair.quote.mint) for pair in pairs}
    _, amounts = await book.read_reserves(pool for held in pools.values() for pool in held)
    return {pair: [_reserves_of(pool, pair, amounts) for pool in held] for pair, held in pools.items()}


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


class Arbitrage:
    """Swaps from the wallet ``market`` at any price: its purpose is to move prices, not to earn."""

    def __init__(self, chain: SolanaChain, book: PoolBook, market: Keypair) -> None:
        self._chain = chain
        self._book = book
        self._market = market

    async def move_toward(self, prices: Mapping[Pair, Decimal]) -> Round:
        """Swap once in each pool that is more than 1 bp off its price (quote per base, in token units).

        One transaction a pair; returns once each is in a block or never will be.
        """
        pools = await pool_reserves(self._book, list(prices))
        aims = {pair: _aim(pair, price) for pair, price in prices.items()}
        off = {
            pair: [reserves for reserves in held if not _reached(reserves, aims[pair])] for pair, held in pools.items()
        }
        if not any(off.values()):
            return Round({}, {})
        latest = await self._chain.latest_blockhash()
        mints = sorted({token.mint for pair in off for token in (pair.base, pair.quote)})
        balances = await self._chain.token_balances(str(self._market.pubkey()), mints)
        done, signatures = Round({}, {}), []
        for pair, pools_off in off.items():
            try:
                swaps = [self._swap(reserves, pair, aims[pair], balances) for reserves in pools_off]
            except PriceNotReachedError as short:
                done.short[pair] = short
                continue
            if swaps:
                signatures.append(await self._send(swaps, latest.blockhash))
                done.swaps[pair] = len(swaps)
        await self._settled(signatures, latest.last_valid_block_height)
        return done

    def _swap(self, reserves: PoolReserves, pair: Pair, aim: Fraction, balances: dict[str, int]) -> Instruction:
        """The swap that brings the pool to ``aim``; what it pays is taken off ``balances``."""
        up = Fraction(reserves.quote, reserves.base) < aim
        paid = pair.quote if up else pair.base
        amounts = (reserves.quote, reserves.base) if up else (reserves.base, reserves.quote)
        amount = amount_to_reach(*amounts, reserves.pool.fee_bps, aim if up else 1 / aim)
        if amount is None or amount > balances[paid.mint]:
            raise PriceNotReachedError(
                f"the market wallet holds too little {paid.symbol} to move {pair.symbol} that far"
            )
        balances[paid.mint] -= amount
        owner = str(self._market.pubkey())
        return swap_instruction(reserves.pool, owner=owner, token_in=paid.mint, amount_in=amount, minimum_out=1)

    async def _send(self, swaps: Sequence[Instruction], blockhash: str) -> str:
        message = MessageV0.try_compile(self._market.pubkey(), swaps, [], Hash.from_string(blockhash))
        transaction = VersionedTransaction(message, [self._market])
        await self._chain.send(bytes(transaction))
        return str(transaction.signatures[0])

    async def _settled(self, signatures: Sequence[str], last_valid_block_height: int) -> None:
        if not signatures:
            return
        # Confirmed, because that is what the reserves are read at.
        while not all(
            status and status.commitment != "processed" for status in (await self._chain.statuses(signatures)).found
        ):
            if await self._chain.block_height("confirmed") > last_valid_block_height:
                return
            await asyncio.sleep(_POLL_SECONDS)


def _reserves_of(pool: Pool, pair: Pair, amounts: Mapping[str, int]) -> PoolReserves:
    base, quote = pool.vaults_for(pair.base.mint)
    return PoolReserves(pool, amounts[base], amounts[quote])


def _aim(pair: Pair, price: Decimal) -> Fraction:
    """``price`` in base units of the quote for one of the base."""
    return Fraction(price) * Fraction(10) ** (pair.quote.decimals - pair.base.decimals)


def _reached(reserves: PoolReserves, aim: Fraction) -> bool:
    return abs(Fraction(reserves.quote, reserves.base) / aim - 1) <= _TOLERANCE
