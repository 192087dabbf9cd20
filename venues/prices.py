"""What a pair costs now: the touch on both sides, computed from one read of the pools, and how old it is.

The touch is the best venue's marginal price in an order's direction after that venue's fee. It is rounded against the
order, to 18 digits: a limit is never taken as met by a rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import Protocol

from domain.numbers import PRICE_DIGITS
from domain.tokens import Pair, Side
from venues.constant_product import Pool, amount_in, amount_out, marginal_rate
from venues.pools import PoolBook
from venues.tick import Tick

_AGAINST_A_SELL = Context(prec=PRICE_DIGITS, rounding=ROUND_FLOOR)
_AGAINST_A_BUY = Context(prec=PRICE_DIGITS, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True)
class Depth:
    """One pool of a pair: reserves in base units of the pair's base and quote token."""

    venue: str
    fee_bps: int
    base: int
    quote: int

    def touch(self, side: Side, decimals: int) -> Decimal:
        """The marginal price after the fee; ``decimals`` is the base token's less the quote token's."""
        scale = Fraction(10) ** decimals
        if side == "sell":
            return _rounded(marginal_rate(self.base, self.quote, self.fee_bps) * scale, _AGAINST_A_SELL)
        return _rounded(scale / marginal_rate(self.quote, self.base, self.fee_bps), _AGAINST_A_BUY)

    def out(self, side: Side, amount_in: int) -> int:
        """Base units bought by ``amount_in``, 0 where the pool gives nothing for it."""
        reserves = (self.base, self.quote) if side == "sell" else (self.quote, self.base)
        return amount_out(amount_in, *reserves, self.fee_bps) or 0

    def cost(self, side: Side, amount_out: int) -> int | None:
        """Base units that buy ``amount_out``; None where the pool can't give that much."""
        reserves = (self.base, self.quote) if side == "sell" else (self.quote, self.base)
        return amount_in(amount_out, *reserves, self.fee_bps)


@dataclass(frozen=True, slots=True)
class PairPrice:
    """A pair as one observation saw it: ``sell`` is what a seller of the base gets, ``buy`` what a buyer pays.

    ``ticks`` are those of base and quote that it was made of, where its source is outside of the chain: each token has
    a time of its own there.
    """

    pair: Pair
    sell: Decimal
    buy: Decimal
    depths: tuple[Depth, ...]
    ticks: tuple[()] | tuple[Tick, Tick] = ()

    def touch(self, side: Side) -> Decimal:
        return self.sell if side == "sell" else self.buy

    def out(self, side: Side, amount_in: int) -> int:
        """The best venue's amount out at size, 0 where no depths are known."""
        return max((depth.out(side, amount_in) for depth in self.depths), default=0)

    def cost(self, side: Side, amount_out: int) -> int | None:
        """What the cheapest venue takes for ``amount_out``; None where no depths are known, or none gives that much."""
        costs = [cost for depth in self.depths if (cost := depth.cost(side, amount_out)) is not None]
        return min(costs, default=None)


@dataclass(frozen=True, slots=True)
class Prices:
    """One observation: every pair that was asked for and has a price, as of ``slot``.

    Of a source outside of the chain ``slot`` is a time of its own (``venues.feeds.ticks``).
    """

    source: str
    slot: int
    pairs: dict[str, PairPrice]

    def slot_of(self, price: PairPrice) -> int:
        """As of when one of its pairs is: of a feed by the older of its two ticks, however new another token's is."""
        return min([self.slot, *(int(tick.at * 1_000) for tick in price.ticks)])


class PriceSource(Protocol):
    """Where prices come from. What reading the world raises passes through."""

    @property
    def name(self) -> str: ...

    async def observe(self, pairs: Sequence[Pair]) -> Prices:
        """Every pair in one read; a pair nobody holds is left out."""


class PoolPrices:
    """The pools of a book as a price source."""

    name = "pools"

    def __init__(self, book: PoolBook) -> None:
        self._book = book
        self._last: dict[str, PairPrice] = {}

    async def observe(self, pairs: Sequence[Pair]) -> Prices:
        await self._book.load()
        pools = {pair.symbol: self._book.pools(pair.base.mint, pair.quote.mint) for pair in pairs}
        # Whoever observes prices does so at its own pace: nothing is read ahead for it.
        slot, reserves = await self._book.reserves(keep_warm=False)
        seen = {pair.symbol: self._price(pair, _depths(pair, pools[pair.symbol], reserves)) for pair in pairs}
        self._last = {symbol: price for symbol, price in seen.items() if price}
        return Prices(self.name, slot, self._last)

    def _price(self, pair: Pair, depths: tuple[Depth, ...]) -> PairPrice | None:
        """The last price where the reserves are unchanged: exact arithmetic is slow, and most reserves stand still."""
        last = self._last.get(pair.symbol)
        return last if last and last.depths == depths else price_of(pair, depths)


def price_of(pair: Pair, depths: Iterable[Depth]) -> PairPrice | None:
    """The touch over ``depths``; None where none of them holds both tokens."""
    filled = tuple(depth for depth in depths if depth.base and depth.quote)
    if not filled:
        return None
    decimals = pair.base.decimals - pair.quote.decimals
    sell = max(depth.touch("sell", decimals) for depth in filled)
    return PairPrice(pair, sell, min(depth.touch("buy", decimals) for depth in filled), filled)


def _depths(pair: Pair, pools: Iterable[Pool], reserves: dict[str, int]) -> tuple[Depth, ...]:
    vaults = [(pool, *pool.vaults_for(pair.base.mint)) for pool in pools]
    return tuple(Depth(pool.venue, pool.fee_bps, reserves[base], reserves[quote]) for pool, base, quote in vaults)


def _rounded(value: Fraction, context: Context) -> Decimal:
    return context.divide(Decimal(value.numerator), Decimal(value.denominator))
