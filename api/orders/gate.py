"""Whether a new order is taken now. An order that is recorded already is past it: its repeat gets its first answer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.callers.caller import Caller
from api.errors import ProblemError
from api.orders.headers import EXPIRES_AFTER
from api.orders.limits import exceeded, limits_of, not_taken, would_exceed
from api.problems import log_behind
from api.services import Services
from commands import order_limits
from commands.ids import order_id
from domain.limits import NO_LIMITS
from domain.terms import OrderTerms
from domain.time_in_force import is_expired
from domain.trading_state import AccountTrading

# Clients take them out of an address before they send it. There are older orders of these names.
_NO_PART_OF_A_PATH = frozenset({".", ".."})


async def require_open(
    services: Services, caller: Caller, asked: OrderTerms, expires: datetime | None, headers: dict[str, str]
) -> UUID:
    """The id of the order, for which what it takes of its account's limits is reserved; ``headers`` gets its rate.

    Raise ``ProblemError`` where the order is refused, unless it is recorded already.
    """
    as_id, limits = order_id(caller.account_id, asked.client_order_id), limits_of(services, caller)
    refusal = await _refusal(services, caller, asked, expires)
    if refusal is None and limits is NO_LIMITS:
        return as_id
    if await is_recorded(services, caller, asked):
        return as_id
    refusal = refusal or await exceeded(services, caller, asked, as_id, limits, headers)
    if refusal is not None:
        raise refusal
    return as_id


async def would_be_refused(services: Services, caller: Caller, asked: OrderTerms) -> ProblemError | None:
    """Why the order would be refused now, were it sent; None where it would be taken."""
    refusal = await _refusal(services, caller, asked, None)
    if refusal is None:
        try:
            refusal = await would_exceed(services, caller, asked, limits_of(services, caller))
        except ProblemError as unmeasured:
            refusal = unmeasured
    return None if refusal is None or await is_recorded(services, caller, asked) else refusal


async def is_recorded(services: Services, caller: Caller, asked: OrderTerms) -> bool:
    """Whether the caller has an order under this client order id, or the chain shows one that the log has lost: its
    post says what became of it. Asked only where something stands in the way.
    """
    if asked.client_order_id is None:
        return False
    return await is_known(services, caller, order_id(caller.account_id, asked.client_order_id))


async def is_known(services: Services, caller: Caller, as_id: UUID, *others: UUID) -> bool:
    """Whether ``as_id`` is in the log, or the chain has executed it, or one of ``others``, and the log has lost it."""
    if await services.events.load(as_id, upto=1):
        return True
    return any([await services.executed_elsewhere(caller.account_id, one) for one in (as_id, *others)])


async def _refusal(
    services: Services, caller: Caller, asked: OrderTerms, expires: datetime | None
) -> ProblemError | None:
    if asked.client_order_id in _NO_PART_OF_A_PATH:
        detail = "A clientOrderId is neither . nor .., for nobody could ask by a path with it; nothing was recorded."
        return ProblemError(422, "invalid_client_order_id", detail, field="clientOrderId")
    trading = await services.trading(caller.account_id)
    if asked.client_order_id is None:
        if services.config.requires_client_order_id:
            return ProblemError(
                422,
                "client_order_id_required",
                "An order needs a clientOrderId, or the header Idempotency-Key: without one it could not be repeated.",
                field="clientOrderId",
            )
        if trading.behind:
            return log_behind(trading)
    return refusal_of_terms(services, trading, asked, expires)


def refusal_of_terms(
    services: Services, trading: AccountTrading, asked: OrderTerms, expires: datetime | None
) -> ProblemError | None:
    """Why an order with these terms isn't taken now, whatever its client calls it."""
    if expires is not None and services.clock() >= expires:
        return ProblemError(
            422, "request_expired", f"{EXPIRES_AFTER} has passed; nothing was recorded.", field=EXPIRES_AFTER
        )
    if is_expired(asked, services.clock()):
        return ProblemError(422, "expires_at_passed", "expiresAt has passed; nothing was recorded.", field="expiresAt")
    return trading_refusal(trading, asked)


def trading_refusal(trading: AccountTrading, asked: OrderTerms) -> ProblemError | None:
    """What an operator has set refuses new orders; one that meets a halt of the engine's own is taken and waits."""
    refused = order_limits.trading_refusal(trading, asked)
    return not_taken(refused) if refused else None
