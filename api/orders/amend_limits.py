"""Whether an amended order keeps within its account's limits, and what it takes of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from uuid import UUID

from api.callers.caller import Caller
from api.errors import ProblemError
from api.orders.limits import exceeded_by_itself, exceeding, limits_of, notional_of
from api.services import Services
from commands.amend import Amendment
from commands.amended_reservations import AmendedReservation
from commands.loaded_order import LoadedOrder
from domain.errors import DomainError
from domain.limits import Limits
from event_store.errors import LogUnavailableError


@asynccontextmanager
async def reserved(
    services: Services, caller: Caller, history: LoadedOrder, amends: Amendment, command_id: UUID
) -> AsyncIterator[Callable[[], None]]:
    """Within it what the amended order takes of the limits is reserved. What is yielded is to be called where the
    amendment was recorded: else it is let go of. Where nobody knows, the log says it later.

    What only falls no limit forbids. Raises ``ProblemError``.
    """
    limits = limits_of(services, caller)
    notional = await _notional(services, limits, amends)
    if notional is None:
        yield lambda: None
        return
    sharing = amends.order.leg.sharing if amends.order.leg else ()
    asked = AmendedReservation(
        command_id, history.order_id, history.account_id, history.version + 1, notional, amends.falls, sharing
    )
    if problem := exceeding(await services.amended_reservations.reserve(asked, limits), limits):
        raise problem
    is_recorded = False

    def recorded() -> None:
        nonlocal is_recorded
        is_recorded = True

    try:
        yield recorded
    except (DomainError, LogUnavailableError):
        await services.amended_reservations.withdraw(command_id)
        raise
    if not is_recorded:
        await services.amended_reservations.withdraw(command_id)


async def _notional(services: Services, limits: Limits, amends: Amendment) -> Decimal | None:
    """What the amended order is worth, where the account's limits need it. Raises ``ProblemError``."""
    if not amends.falls:
        problem, notional = await exceeded_by_itself(services, amends.order, limits)
        if problem is not None:
            raise problem
        return notional if limits.reserve_notional else None
    if not limits.reserve_notional:
        return None
    try:
        return await notional_of(services, amends.order)
    except ProblemError:
        # Nobody can say what it is worth now: it goes on to count as what it was.
        return None
