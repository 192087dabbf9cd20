"""TWAP: an order that is executed in slices, one every so often."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from api.callers.caller import Caller
from api.epochs_after import epochs_after
from api.errors import ProblemError
from api.order_lists.kind import AcceptedList
from api.order_lists.twap_progress import TwapView, outcomes, twap_view
from api.order_lists.twap_request import twap_request
from api.orders.cancel import CancelAnswer, cancel_answer
from api.orders.document import Document
from api.orders.gate import is_known, refusal_of_terms
from api.orders.limits import exceeded_by_itself, limits_of
from api.orders.preview import ask_all
from api.problems import log_behind_for_all, repeatable
from api.services import Services
from commands.errors import SubmissionUnknownError
from commands.ids import list_id as id_of_list
from domain.codes import Code
from domain.errors import DomainError
from domain.quotes import Refusal
from domain.twap import Twap
from event_store.errors import OutcomeUnknownError


class CancelledTwap(TwapView):
    """The list as it stands; ``items``: what became of each slice that was open, as `cancelOrder` answers of one."""

    items: list[CancelAnswer] = Field(description="In their order; of a list that is over none.")


class TwapKind:
    """The kind ``twap``."""

    words = ("twap",)

    async def submit(
        self,
        services: Services,
        caller: Caller,
        document: Document,
        expires: datetime | None,
        headers: dict[str, str],
    ) -> AcceptedList:
        """The list is recorded; its slices are once they are due, the first one at once."""
        asked = twap_request(document, services.config, services.chain().tradable_network())
        list_id = id_of_list(caller.account_id, asked.client_list_id)
        new = Twap(list_id, asked)
        # Read here, while nothing is recorded: the answer needs them.
        await services.epochs()
        if not await is_known(services, caller, list_id, *new.order_ids):
            await _require_open(services, caller, new, expires)
        try:
            accepted = await services.twaps.submit(caller.account_id, asked, services.clock())
            epochs = await epochs_after(services, list_id)
        except (OutcomeUnknownError, SubmissionUnknownError):
            raise repeatable() from None
        submitted = accepted.twap.submitted
        return AcceptedList(
            list_id=list_id,
            kind="twap",
            order_ids=[],
            position=epochs.shown(accepted.position),
            network=submitted.network,
            paper=submitted.paper or None,
        )

    async def show(self, services: Services, caller: Caller, list_id: UUID) -> TwapView | None:
        known = await known_twap(services, caller, list_id)
        return twap_view(known, await outcomes(services.orders, known.order_ids)) if known else None

    async def cancel(self, services: Services, caller: Caller, list_id: UUID) -> CancelledTwap | None:
        """No slice is submitted from here on, and those that are open are cancelled, as one order is. One that has
        finished stays so.
        """
        known = await known_twap(services, caller, list_id)
        if known is None:
            return None
        before, now = await outcomes(services.orders, known.order_ids), services.clock()
        view = twap_view(known, before)
        if view.status == "finished":
            return CancelledTwap(**dict(view), items=[])
        items = []
        try:
            await services.twaps.cancel(list_id, caller.account_id, by=caller.shown, because=None, now=now)
            submitted = await outcomes(services.orders, known.order_ids)
            # The watcher cancels them, too: one that was open is told of, whoever was first.
            of_it = {one for found in (before, submitted) for one, order in found.items() if not order.ended}
            for order_id in [one for one in known.order_ids if one in of_it]:
                history = await services.request_cancel(
                    order_id, account_id=caller.account_id, by=caller.shown, because="its list is cancelled"
                )
                items.append(await cancel_answer(services, history))
        except OutcomeUnknownError:
            raise repeatable() from None
        except DomainError as refused:
            if refused.code == "log_behind":
                raise log_behind_for_all(await services.trading(caller.account_id)) from None
            raise
        shown = await self.show(services, caller, list_id)
        return CancelledTwap(**dict(shown), items=items) if shown else None


async def known_twap(services: Services, caller: Caller, list_id: UUID) -> Twap | None:
    """The caller's list; None where there is none that is a TWAP."""
    try:
        return await services.twaps.owned(list_id, caller.account_id)
    except DomainError:
        return None


async def _require_open(services: Services, caller: Caller, twap: Twap, expires: datetime | None) -> None:
    """Refuse what each slice would be refused for by itself. Raises ``ProblemError``."""
    largest = twap.terms(twap.slices)
    if refused := refusal_of_terms(services, await services.trading(caller.account_id), largest, expires):
        raise refused
    exceeded, _ = await exceeded_by_itself(services, largest, limits_of(services, caller))
    if exceeded:
        raise exceeded
    await _require_enough(services, twap)


async def _require_enough(services: Services, twap: Twap) -> None:
    """Raises ``ProblemError`` where every venue of the pair says that a slice is too small; one that doesn't answer
    has said nothing.
    """
    answers = [answer for _, answer in await ask_all(services.venues, twap.terms(1))]
    said = {answer.code if isinstance(answer, Refusal) else None for answer in answers}
    if Code.AMOUNT_TOO_SMALL in said and said <= {Code.AMOUNT_TOO_SMALL, Code.NO_VENUE}:
        detail = f"{twap.slices} slices of so small an amount would buy nothing; nothing was recorded."
        raise ProblemError(422, "slice_too_small", detail, field="order.amountIn")
