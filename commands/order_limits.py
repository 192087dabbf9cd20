"""What an order exceeds of its account's limits whatever else was taken, and how a refusal is said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from typing import Protocol

from commands.account_use import Exceeded
from domain.limits import Limits
from domain.numbers import BPS, plain, plus_slippage
from domain.terms import OrderTerms
from domain.tokens import USDC, Pair, Side, Token, pair_of
from domain.trading_state import AccountTrading

_MICRO = Decimal("0.000001")
_EXACT = Context(prec=60)


class MarketPrice(Protocol):
    """A pair's price: for an amount that moves nothing, and what the cheapest pool takes for an amount out, in base
    units of both; None where no pool is known, or none gives that much.
    """

    def touch(self, side: Side) -> Decimal: ...

    def cost(self, side: Side, amount_out: int) -> int | None: ...


Market = Callable[[Pair], Awaitable[MarketPrice]]
"""The price of a pair, now; raises where there is none: what can't be measured isn't let through."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Why an order isn't taken: a code that clients know, a sentence, and the limit that it would exceed."""

    code: str
    detail: str
    limit: str | None = None


def trading_refusal(trading: AccountTrading, asked: OrderTerms) -> NotTaken | None:
    """What an operator has set refuses new orders; one that meets a halt of the engine's own is taken and waits."""
    for set_ in trading.restrictions:
        if set_.state == "halted":
            return NotTaken("trading_halted", "An operator has halted trading")
        if set_.forbids(asked.side):
            return NotTaken("trading_reducing", "Only sells are taken now, by an operator's word")
    return None


async def exceeded_by_itself(asked: OrderTerms, limits: Limits, market: Market) -> tuple[NotTaken | None, Decimal]:
    """What the order exceeds by itself; and what it is worth, 0 where nothing is limited by that."""
    nothing = Decimal(0)
    if limits.pairs is not None and asked.pair.symbol not in limits.pairs:
        return NotTaken("pair_not_allowed", f"This account doesn't trade {asked.pair.symbol}", "pairs"), nothing
    if limits.price_band_bps is not None and (refused := await _outside_band(asked, limits.price_band_bps, market)):
        return refused, nothing
    notional = await notional_of(asked, market) if limits.need_notional else nothing
    if limits.max_order_notional is not None and notional > limits.max_order_notional:
        detail = f"The order is worth {plain(notional)} USDC; {plain(limits.max_order_notional)} is the most"
        return NotTaken("order_too_large", detail, "maxOrderNotional"), notional
    return None, notional


def exceeding(found: Exceeded | None, limits: Limits) -> NotTaken | None:
    """How it is said what a reservation would exceed."""
    match found:
        case "max_open_orders":
            detail = f"The account has {limits.max_open_orders} open orders; it may have no more"
            return NotTaken("open_orders_exceeded", detail, "maxOpenOrders")
        case "max_daily_notional":
            detail = "With it the account would have traded more today than it may"
            return NotTaken("notional_exceeded", detail, "maxDailyNotional")
        case "max_open_notional":
            detail = "With it the account's open orders would be worth more together than they may"
            return NotTaken("notional_exceeded", detail, "maxOpenNotional")
        case None:
            return None


async def notional_of(asked: OrderTerms, market: Market) -> Decimal:
    """What the order is worth in USDC, rounded up: by the market, or by its own limit in USDC where that is more.

    One that asks for little is executed at the market's price all the same.
    """
    if asked.amount_out is not None and asked.limit_maximum_in is None:
        return await _cost_of(asked, asked.amount_out, market)
    amount = _whole(asked.limit_maximum_in or asked.amount_in, asked.token_in)
    if asked.token_in == USDC:
        return amount
    price = (await market(pair_of(asked.token_in, USDC))).touch("sell")
    if asked.token_out == USDC and asked.limit_price is not None:
        price = max(price, asked.limit_price)
    return _EXACT.multiply(amount, price).quantize(_MICRO, ROUND_CEILING, _EXACT)


async def _cost_of(asked: OrderTerms, amount_out: int, market: Market) -> Decimal:
    """What an exact amount out may cost in USDC without a limit: by the market's price, or by what its pools take for
    so much where that is more, or where the order's stop is; and its slippage on top.
    """
    slippage = asked.slippage_bps
    cost = await _in_usdc(plus_slippage(amount_out, slippage), asked.token_out, "buy", market)
    if (taken := (await market(asked.pair)).cost(asked.side, amount_out)) is not None:
        cost = max(cost, await _in_usdc(plus_slippage(taken, slippage), asked.token_in, "sell", market))
    return _EXACT.multiply(cost, await _dearer_at_stop(asked, market)).quantize(_MICRO, ROUND_CEILING, _EXACT)


async def _in_usdc(amount: int, token: Token, side: Side, market: Market) -> Decimal:
    """What base units of a token are worth, by its price on that side."""
    price = Decimal(1) if token == USDC else (await market(pair_of(token, USDC))).touch(side)
    return _EXACT.multiply(_whole(amount, token), price)


def _whole(amount: int, token: Token) -> Decimal:
    """Whole tokens, of base units."""
    return Decimal(amount).scaleb(-token.decimals, _EXACT)


async def _dearer_at_stop(asked: OrderTerms, market: Market) -> Decimal:
    """By how much what a stop order buys costs more once it begins than now: a buy's stop is above the market."""
    if asked.side == "buy" and asked.trail_bps is not None:
        return _EXACT.divide(Decimal(BPS + asked.trail_bps), Decimal(BPS))
    if asked.side == "buy" and asked.stop_price is not None:
        return max(Decimal(1), _EXACT.divide(asked.stop_price, (await market(asked.pair)).touch("buy")))
    return Decimal(1)


async def _outside_band(asked: OrderTerms, band_bps: int, market: Market) -> NotTaken | None:
    prices = [price for price in (asked.limit_price, asked.stop_price) if price is not None]
    if not prices:
        return None
    reference = (await market(asked.pair)).touch(asked.side)
    for price in prices:
        if _EXACT.multiply(abs(price - reference), Decimal(BPS)) > _EXACT.multiply(reference, Decimal(band_bps)):
            detail = f"{plain(price)} is more than {band_bps} basis points from {plain(reference)}"
            return NotTaken("price_outside_band", detail, "priceBandBps")
    return None
