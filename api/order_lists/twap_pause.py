"""Pause and resume of a TWAP."""

from __future__ import annotations

from litestar import Controller, post

from api.callers.caller import Caller, InjectedCaller
from api.callers.rules import TRADE
from api.errors import ProblemError
from api.openapi import DocumentedOperation, problems
from api.order_lists.lookup import TwapId, list_not_found, parse_list_id
from api.order_lists.twap import known_twap
from api.order_lists.twap_progress import TwapView, outcomes, twap_view
from api.problems import repeatable
from api.services import InjectedServices, Services
from domain.twap import Twap
from event_store.errors import OutcomeUnknownError

_CHANGED = problems(
    *("invalid_list_id", "list_not_found", "list_ended", "order_unreadable", "log_unavailable", "outcome_unknown")
)


class TwapPauseController(Controller):
    path = "/api/order-lists"
    tags = ("lists",)
    opt = TRADE

    @post(
        "/{list_id:str}/pause",
        status_code=202,
        operation_class=DocumentedOperation,
        operation_id="pauseList",
        summary="Pause a TWAP",
        response_description="As it stands: no slice is submitted any more until it is resumed.",
        responses=_CHANGED,
    )
    async def pause_list(self, services: InjectedServices, caller: InjectedCaller, list_id: TwapId) -> TwapView:
        """What was submitted stays as it is. Safe to repeat."""
        known = await _going_on(services, caller, list_id)
        try:
            paused = await services.twaps.pause(known.list_id, caller.account_id, by=caller.shown)
        except OutcomeUnknownError:
            raise repeatable() from None
        return await _shown(services, paused)

    @post(
        "/{list_id:str}/resume",
        status_code=202,
        operation_class=DocumentedOperation,
        operation_id="resumeList",
        summary="Resume a TWAP",
        response_description="As it stands: its slices go on.",
        responses=_CHANGED,
    )
    async def resume_list(self, services: InjectedServices, caller: InjectedCaller, list_id: TwapId) -> TwapView:
        """The next slice is due when it was, or now; the others follow `everyMs` apart, none of them missed and no two
        at once. Safe to repeat.
        """
        known, now = await _going_on(services, caller, list_id), services.clock()
        try:
            resumed = await services.twaps.resume(known.list_id, caller.account_id, by=caller.shown, now=now)
        except OutcomeUnknownError:
            raise repeatable() from None
        return await _shown(services, resumed)


async def _going_on(services: Services, caller: Caller, list_id: str) -> Twap:
    """Raises ``ProblemError`` where there is no such list, or where it is over."""
    known = await known_twap(services, caller, parse_list_id(list_id))
    if known is None:
        raise list_not_found("TWAP")
    if (status := (await _shown(services, known)).status) in ("finished", "cancelled"):
        raise ProblemError(409, "list_ended", f"The list is {status}.", field="listId")
    return known


async def _shown(services: Services, known: Twap) -> TwapView:
    return twap_view(known, await outcomes(services.orders, known.order_ids))
