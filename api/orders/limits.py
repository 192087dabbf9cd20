"""Whether an order keeps within its account's limits. Of an account without any nothing is asked."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from uuid import UUID

from api.callers.caller import Caller
from api.errors import RETRY_AFTER, ProblemError
from api.problem_table import PROBLEMS
from api.rates import Rate
from api.services import Services
from commands import order_limits
from commands.account_use import Exceeded, would_be_exceeded
from commands.order_limits import MarketPrice, NotTaken
from domain.limits import NO_LIMITS, Limits
from domain.terms import OrderTerms
from domain.tokens import Pair


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
    refused, notional = await order_limits.exceeded_by_itself(asked, limits, partial(_market, services))
    return (not_taken(refused) if refused else None), notional


def exceeding(found: Exceeded | None, limits: Limits) -> ProblemError | None:
    refused = order_limits.exceeding(found, limits)
    return not_taken(refused) if refused else None


def not_taken(refused: NotTaken) -> ProblemError:
    """The answer to an order that isn't taken."""
    detail = f"{refused.detail}; nothing was recorded."
    return ProblemError(PROBLEMS[refused.code].status, refused.code, detail, limit=refused.limit)


async def too_often(
    services: Services, caller: Caller, limits: Limits, headers: dict[str, str], orders: int = 1
) -> ProblemError | None:
    """Whether so many ``orders`` more are more than the account may send; they count where not, all together.

    ``headers`` gets its rate.
    """
    a_minute = limits.orders_per_minute
    if a_minute is None:
        return None
    if orders > a_minute:
        detail = f"The list is {orders} orders, and the account may send {a_minute} a minute; nothing was recorded."
        return ProblemError(429, "rate_limited", detail, retryable=False, limit="ordersPerMinute")
    rate = await services.rates.hit(caller.account_id, a_minute, orders)
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
    return _limited(rate, f"The account may send {a_minute} orders a minute.", "ordersPerMinute")


async def previewed_too_often(services: Services, caller: Caller) -> ProblemError | None:
    """Whether one more preview is more than the account may ask for; it counts where not.

    Only where remote venues are asked: others are read once for all who ask at about the same time. Where Valkey can't
    count it, it can't count what remote venues are asked either, and they are left alone.
    """
    a_minute = services.config.previews_per_minute
    if a_minute is None or not any(group.is_remote for group in services.venues):
        return None
    rate = await services.rates.hit(caller.account_id, a_minute, of="previews")
    return None if rate is None else _limited(rate, f"The account may ask for {a_minute} previews a minute.", None)


def _limited(rate: Rate, detail: str, limit: str | None) -> ProblemError | None:
    if not rate.exceeded:
        return None
    headers = {**rate.headers(), "Retry-After": str(rate.reset_s)}
    return ProblemError(429, "rate_limited", detail, headers=headers, limit=limit)


async def notional_of(services: Services, asked: OrderTerms) -> Decimal:
    """What the order is worth in USDC, rounded up."""
    return await order_limits.notional_of(asked, partial(_market, services))


async def _market(services: Services, pair: Pair) -> MarketPrice:
    """Raises ``ProblemError`` where no venue has a price: what can't be measured isn't let through."""
    found = await services.ticker.recent(pair)
    if found is None:
        raise ProblemError(
            503,
            "price_unavailable",
            f"No venue has a price of {pair.symbol} now, by which the account's limits could be told.",
            headers={"Retry-After": RETRY_AFTER},
        )
    return found
