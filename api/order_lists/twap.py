"""TWAP: an order that is executed in slices, one every so often; pause and resume of it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from litestar import Controller, Response, post

from api.callers.caller import Caller, InjectedCaller
from api.callers.rules import TRADE
from api.errors import RETRY_AFTER, ProblemError
from api.openapi import DocumentedOperation, problems
from api.order_lists.kind import AcceptedList
from api.order_lists.lookup import TwapId, list_not_found, parse_list_id
from api.order_lists.twap_progress import TwapView, outcomes, twap_view
from api.order_lists.twap_request import twap_request
from api.orders.document import Document
from api.orders.gate import trading_refusal
from api.orders.headers import EXPIRES_AFTER
from api.orders.limits import exceeded_by_itself, limits_of
from api.orders.preview import ask_all
from api.problems import log_behind_for_all
from api.services import InjectedServices, Services
from commands.ids import list_id as id_of_list
from domain.codes import Code
from domain.errors import DomainError
from domain.quotes import Refusal
from domain.twap import Twap
from domain.twap_events import TwapSubmitted
from event_store.errors import OutcomeUnknownError

_CHANGED = problems(
    *("invalid_list_id", "list_not_found", "list_ended", "order_unreadable", "log_unavailable", "outcome_unknown")
)


class TwapKind:
    """The kind ``twap``."""

    words = ("twap",)

    async def submit(
        self,
        services: Services,
        caller: Caller,
        kind: str,
        document: Document,
        expires: datetime | None,
        headers: dict[str, str],
    ) -> AcceptedList:
        """The list is recorded; its slices are once they are due, the first one at once."""
        asked = twap_request(document, services.config, services.chain().tradable_network())
        list_id = id_of_list(caller.account_id, asked.client_list_id)
        if not await services.events.load(list_id, upto=1):
            await _require_open(services, caller, Twap(list_id, asked), expires)
        try:
            accepted = await services.twaps.submit(caller.account_id, asked, services.clock())
        except OutcomeUnknownError:
            raise _unknown() from None
        epochs = await services.epochs()
        return AcceptedList(list_id=list_id, kind=kind, order_ids=[], position=epochs.shown(accepted.position))

    async def show(self, services: Services, caller: Caller, list_id: UUID) -> TwapView | None:
        known = await _known(services, caller, list_id)
        return twap_view(known, await outcomes(services.orders, known.order_ids)) if known else None

    async def cancel(self, services: Services, caller: Caller, list_id: UUID) -> TwapView | None:
        """No slice is submitted from here on, and those that are open are cancelled, as one order is."""
        known = await _known(services, caller, list_id)
        if known is None:
            return None
        now = services.clock()
        try:
            await services.twaps.cancel(list_id, caller.account_id, by=caller.shown, because=None, now=now)
            submitted = await outcomes(services.orders, known.order_ids)
            for order_id in [order_id for order_id, one in submitted.items() if not one.ended]:
                await services.request_cancel(
                    order_id, account_id=caller.account_id, by=caller.shown, because="its list is cancelled"
                )
        except OutcomeUnknownError:
            raise _unknown() from None
        except DomainError as refused:
            if refused.code == "log_behind":
                raise log_behind_for_all(await services.trading(caller.account_id)) from None
            raise
        return await self.show(services, caller, list_id)


class TwapController(Controller):
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
    async def pause_list(
        self, services: InjectedServices, caller: InjectedCaller, list_id: TwapId
    ) -> Response[TwapView]:  # fmt: skip
        """What was submitted stays as it is. Safe to repeat."""
        known = await _going_on(services, caller, parse_list_id(list_id))
        try:
            await services.twaps.pause(known.list_id, caller.account_id, by=caller.shown)
        except OutcomeUnknownError:
            raise _unknown() from None
        return await _answer(services, caller, known.list_id)

    @post(
        "/{list_id:str}/resume",
        status_code=202,
        operation_class=DocumentedOperation,
        operation_id="resumeList",
        summary="Resume a TWAP",
        response_description="As it stands: its slices go on.",
        responses=_CHANGED,
    )
    async def resume_list(
        self, services: InjectedServices, caller: InjectedCaller, list_id: TwapId
    ) -> Response[TwapView]:  # fmt: skip
        """The next slice is due when it was, or now; the others follow `everyMs` apart, none of them missed and no two
        at once. Safe to repeat.
        """
        known = await _going_on(services, caller, parse_list_id(list_id))
        try:
            await services.twaps.resume(known.list_id, caller.account_id, by=caller.shown, now=services.clock())
        except OutcomeUnknownError:
            raise _unknown() from None
        return await _answer(services, caller, known.list_id)


async def _known(services: Services, caller: Caller, list_id: UUID) -> Twap | None:
    try:
        return await services.twaps.owned(list_id, caller.account_id)
    except DomainError:
        return None


async def _going_on(services: Services, caller: Caller, list_id: UUID) -> Twap:
    """Raises ``ProblemError`` where there is no such list, or where it is over."""
    known = await _known(services, caller, list_id)
    if known is None:
        raise list_not_found()
    shown = twap_view(known, await outcomes(services.orders, known.order_ids))
    if shown.status in ("finished", "cancelled"):
        raise ProblemError(409, "list_ended", f"The list is {shown.status}.", field="listId")
    return known


async def _answer(services: Services, caller: Caller, list_id: UUID) -> Response[TwapView]:
    found = await TwapKind().show(services, caller, list_id)
    if found is None:
        raise list_not_found()
    return Response(found, status_code=202)


async def _require_open(services: Services, caller: Caller, twap: Twap, expires: datetime | None) -> None:
    """Refuse what each slice would be refused for by itself. Raises ``ProblemError``."""
    if expires is not None and services.clock() >= expires:
        raise ProblemError(
            422, "request_expired", f"{EXPIRES_AFTER} has passed; nothing was recorded.", field=EXPIRES_AFTER
        )
    largest = twap.terms(twap.slices)
    if refused := trading_refusal(await services.trading(caller.account_id), largest):
        raise refused
    exceeded, _ = await exceeded_by_itself(services, largest, limits_of(services, caller))
    if exceeded:
        raise exceeded
    await _require_enough(services, twap.submitted, twap)


async def _require_enough(services: Services, asked: TwapSubmitted, twap: Twap) -> None:
    """Raises ``ProblemError`` where venues say that a slice is too small, and none takes it."""
    answers = [answer for _, answer in await ask_all(services.venues, twap.terms(1))]
    refusals = [answer.code for answer in answers if isinstance(answer, Refusal)]
    if len(refusals) == len(answers) and Code.AMOUNT_TOO_SMALL in refusals:
        detail = f"{asked.slices} slices of so small an amount would buy nothing; nothing was recorded."
        raise ProblemError(422, "slice_too_small", detail, field="order.amountIn")


def _unknown() -> ProblemError:
    return ProblemError(
        503,
        "outcome_unknown",
        "Nobody can tell yet whether it was recorded. Ask again: asked twice it is done once.",
        headers={"Retry-After": RETRY_AFTER},
    )
