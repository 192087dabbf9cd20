"""Whether a list of linked orders is taken now: all of its orders, or none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from api.callers.caller import Caller
from api.errors import ProblemError
from api.order_lists.linked_request import LinkedRequest
from api.orders.gate import is_known, refusal_of_terms
from api.orders.headers import EXPIRES_AFTER
from api.orders.limits import exceeded_by_itself, exceeding, limits_of, too_often
from api.problems import log_behind
from api.services import Services
from domain.legs import is_exclusive
from domain.limits import NO_LIMITS, Limits


async def require_open_for_all(
    services: Services,
    caller: Caller,
    asked: LinkedRequest,
    order_ids: Sequence[UUID],
    expires: datetime | None,
    headers: dict[str, str],
) -> None:
    """Raise ``ProblemError`` where the list is refused, unless it is recorded already; else what it takes of the
    account's limits is reserved.
    """
    limits = limits_of(services, caller)
    refusal = await _refusal(services, caller, asked, expires)
    stands_in_the_way = refusal is not None or limits is not NO_LIMITS
    if asked.client_list_id is not None and stands_in_the_way and await is_known(services, caller, *order_ids):
        return
    refusal = refusal or await _exceeded(services, caller, asked, order_ids, limits, headers)
    if refusal is not None:
        raise refusal


async def _refusal(
    services: Services, caller: Caller, asked: LinkedRequest, expires: datetime | None
) -> ProblemError | None:
    trading = await services.trading(caller.account_id)
    if asked.client_list_id is None:
        if services.config.requires_client_order_id:
            detail = "A list needs a clientListId: without one it could not be repeated."
            return ProblemError(422, "client_order_id_required", detail, field="clientListId")
        if trading.behind:
            return log_behind(trading)
    for number, leg in enumerate(asked.legs):
        if refusal := refusal_of_terms(services, trading, leg, expires):
            return _of_leg(refusal, number)
    return None


def _of_leg(problem: ProblemError, number: int) -> ProblemError:
    """What one order is refused for, as a list's: ``field`` names the leg, and what of it, unless it names a header."""
    if problem.field == EXPIRES_AFTER:
        return problem
    where = f"legs[{number}]" + (f".{problem.field}" if problem.field else "")
    members = problem.given | {"field": where}
    return ProblemError(problem.status, detail=problem.detail, headers=problem.headers, **members)


async def _exceeded(
    services: Services,
    caller: Caller,
    asked: LinkedRequest,
    order_ids: Sequence[UUID],
    limits: Limits,
    headers: dict[str, str],
) -> ProblemError | None:
    """What the list would exceed. Of orders that exclude each other the larger one counts."""
    notionals: dict[UUID, Decimal] = {}
    counted: list[UUID] = []
    for number, (order_id, leg) in enumerate(zip(order_ids, asked.legs, strict=True), 1):
        problem, notional = await exceeded_by_itself(services, leg, limits)
        if problem is not None:
            return _of_leg(problem, number - 1)
        notionals[order_id] = notional
        if is_exclusive(asked.kind, number):
            counted.append(order_id)
    # Each by itself first: a list that is refused for one of its orders has sent none.
    if problem := await too_often(services, caller, limits, headers, len(asked.legs)):
        return problem
    if not limits.are_reserved:
        return None
    most = max((notionals[order_id] for order_id in counted), default=Decimal(0))
    for place, order_id in enumerate(counted):
        notionals[order_id] = Decimal(0) if place else most
    return exceeding(await services.reservations.reserve_all(caller.account_id, notionals, limits), limits)
