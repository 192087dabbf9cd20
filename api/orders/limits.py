"""Whether an order keeps within its account's limits. Of an account without any nothing is asked."""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal
from uuid import UUID

from api.callers.caller import Caller
from api.errors import RETRY_AFTER, ProblemError
from api.services import Services
from commands.reservations import Exceeded, would_be_exceeded
from domain.limits import NO_LIMITS, Limits
from domain.numbers import BPS, plain
from domain.terms import OrderTerms
from domain.tokens import USDC, Pair, pair_of

_MICRO = Decimal("0.000001")
_EXACT = Context(prec=60)


def limits_of(services: Services, caller: Caller) -> Limits:
    account = services.accounts.account(caller.account_id)
    return account.limits if account else NO_LIMITS


async def exceeded(
    services: Services, caller: Caller, asked: OrderTerms, order_id: UUID, limits: Limits, headers: dict[str, str]
) -> ProblemError | None:
    """What the order would exceed; None where it keeps within, and then what it takes is reserved.

    ``headers`` gets what the client should know of its rate.
    """
    problem, notional = await exceeded_by_itself(services, asked, limits)
    if problem is not None:
        return problem
    if problem := await too_often(services, caller, limits, headers):
        return problem
    if not limits.are_reserved:
        return None
    return exceeding(await services.reservations.reserve(caller.account_id, order_id, limits, notional), limits)


async def would_exceed(services: Services, caller: Caller, asked: OrderTerms, limits: Limits) -> ProblemError | None:
    """The same, without reserving anything or counting towards the rate."""
    problem, notional = await exceeded_by_itself(services, asked, limits)
    if problem is not None or not limits.are_reserved:
        return problem
    return exceeding(would_be_exceeded(await services.reservations.used(caller.account_id), limits, notional), limits)


async def exceeded_by_itself(
    services: Services, asked: OrderTerms, limits: Limits
) -> tuple[ProblemError | None, Decimal]:
    """What the order exceeds whatever else was taken; and what it is worth, 0 where nothing is limited by that."""
    pair = pair_of(asked.token_in, asked.token_out)
    nothing = Decimal(0)
    if limits.pairs is not None and pair.symbol not in limits.pairs:
        return _refusal(422, "pair_not_allowed", f"This account doesn't trade {pair.symbol}.", "pairs"), nothing
    if limits.price_band_bps is not None and (problem := await _outside_band(services, asked, limits.price_band_bps)):
        return problem, nothing
    notional = await notional_of(services, asked) if limits.need_notional else nothing
    if limits.max_order_notional is not None and notional > limits.max_order_notional:
        detail = f"The order is worth {plain(notional)} USDC; {plain(limits.max_order_notional)} is the most."
        return _refusal(422, "order_too_large", detail, "maxOrderNotional"), notional
    return None, notional


def exceeding(found: Exceeded | None, limits: Limits) -> ProblemError | None:
    match found:
        case "max_open_orders":
            detail = f"The account has {limits.max_open_orders} open orders; it may have no more."
            return _refusal(429, "open_orders_exceeded", detail, "maxOpenOrders")
        case "max_daily_notional":
            detail = "With it the account would have traded more today than it may."
            return _refusal(429, "notional_exceeded", detail, "maxDailyNotional")
        case "max_open_notional":
            detail = "With it the account's open orders would be worth more together than they may."
            return _refusal(429, "notional_exceeded", detail, "maxOpenNotional")
        case None:
            return None


async def too_often(services: Services, caller: Caller, limits: Limits, headers: dict[str, str]) -> ProblemError | None:
    """Whether the account has sent as many orders as it may; this one counts. ``headers`` gets its rate."""
    a_minute = limits.orders_per_minute
    if a_minute is None:
        return None
    rate = await services.rates.hit(caller.account_id, a_minute)
    if rate is None:
        if services.rates.fail_open:
            return None
        return ProblemError(
            503,
            "rates_unavailable",
            "Nobody can tell how many orders the account has sent; nothing was recorded.",
            headers={"Retry-After": RETRY_AFTER},
        )
    headers |= rate.headers()
    if not rate.exceeded:
        return None
    return ProblemError(
        429,
        "rate_limited",
        f"The account may send {a_minute} orders a minute.",
        headers={**rate.headers(), "Retry-After": str(rate.reset_s)},
        limit="ordersPerMinute",
    )


async def _outside_band(services: Services, asked: OrderTerms, band_bps: int) -> ProblemError | None:
    prices = [price for price in (asked.limit_price, asked.stop_price) if price is not None]
    if not prices:
        return None
    pair = pair_of(asked.token_in, asked.token_out)
    reference = await _touch(services, pair, sells=pair.side(asked.token_in) == "sell")
    for price in prices:
        if _EXACT.multiply(abs(price - reference), Decimal(BPS)) > _EXACT.multiply(reference, Decimal(band_bps)):
            detail = f"{plain(price)} is more than {band_bps} basis points from {plain(reference)}."
            return _refusal(422, "price_outside_band", detail, "priceBandBps")
    return None


async def notional_of(services: Services, asked: OrderTerms) -> Decimal:
    """What the order is worth in USDC, rounded up: by the market, or by its own limit in USDC where that is more.

    One that asks for little is executed at the market's price all the same.
    """
    amount = Decimal(asked.amount_in).scaleb(-asked.token_in.decimals, _EXACT)
    if asked.token_in == USDC:
        return amount
    price = await _touch(services, pair_of(asked.token_in, USDC), sells=True)
    if asked.token_out == USDC and asked.limit_price is not None:
        price = max(price, asked.limit_price)
    return _EXACT.multiply(amount, price).quantize(_MICRO, ROUND_CEILING, _EXACT)


async def _touch(services: Services, pair: Pair, *, sells: bool) -> Decimal:
    """Raises ``ProblemError`` where no venue has a price: what can't be measured isn't let through."""
    found = await services.ticker.recent(pair)
    if found is None:
        raise ProblemError(
            503,
            "price_unavailable",
            f"No venue has a price of {pair.symbol} now, by which the account's limits could be told.",
            headers={"Retry-After": RETRY_AFTER},
        )
    return found.touch("sell" if sells else "buy")


def _refusal(status: int, code: str, detail: str, limit: str) -> ProblemError:
    return ProblemError(status, code, f"{detail} Nothing was recorded.", limit=limit)
