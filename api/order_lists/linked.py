"""OCO, OTO and OTOCO: orders that are recorded together, and what becomes of one says what becomes of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.callers.caller import Caller
from api.epochs_after import epochs_after
from api.order_lists.kind import AcceptedList
from api.order_lists.linked_limits import require_open_for_all
from api.order_lists.linked_request import linked_request
from api.orders.as_it_is import with_rents
from api.orders.cancel import CancelAnswer, cancel_answer, cancelled
from api.orders.document import Document
from api.orders.submit import submission
from api.problems import outcome_unknown
from api.services import Services
from commands.errors import SubmissionUnknownError
from commands.ids import list_id as id_of_list
from commands.order_lists import NewList, submit_list
from domain.legs import ORDERS_OF, Leg, leg_id
from projections.history import OrderState, fold_recorded
from projections.order_view import IfKnown, OrderView, View

MOST_LEGS = max(ORDERS_OF.values())
ListStatus = Literal["open", "filled", "ended"]


class LinkedView(View):
    """``status``: ``open`` while an order of it has not ended; ``filled``: of an oco one order, of an oto both, of an
    otoco the first and one of the others; ``ended`` otherwise, as the orders say.
    """

    list_id: UUID
    kind: str = Field(examples=["oco"])
    client_list_id: IfKnown[str] = None
    status: ListStatus
    order_ids: list[UUID]
    orders: list[OrderView]


class CancelledLinked(View):
    """What became of each of its orders, as `cancelOrder` answers of one; ``status`` is the list's."""

    list_id: UUID
    status: ListStatus
    items: list[CancelAnswer] = Field(description="In the order of the list.")


class LinkedOrders:
    """The kinds ``oco``, ``oto`` and ``otoco``."""

    words = tuple(ORDERS_OF)

    async def submit(
        self,
        services: Services,
        caller: Caller,
        document: Document,
        expires: datetime | None,
        headers: dict[str, str],
    ) -> AcceptedList:
        config = services.config
        asked = linked_request(document, config)
        network, now = services.chain().tradable_network(), services.clock()
        commands = [submission(leg, config, network, now) for leg in asked.legs]
        # Read here, while nothing is recorded: the answer needs them.
        await services.epochs()
        new = NewList(id_of_list(caller.account_id, asked.client_list_id), asked.kind, asked.client_list_id, commands)
        await require_open_for_all(services, caller, asked, new.order_ids, expires, headers)
        executed = {}
        if asked.client_list_id is not None:
            found = [(one, await services.executed_elsewhere(caller.account_id, one)) for one in new.order_ids]
            executed = {order_id: one for order_id, one in found if one}
        if executed:
            # Whatever is asked for now, the chain shows real orders.
            new = replace(new, orders=[replace(command, paper=False) for command in commands])
        try:
            accepted = await submit_list(services.orders, caller.account_id, new, executed)
            epochs = await epochs_after(services, new.list_id)
        except SubmissionUnknownError as unknown:
            where = {"list": f"/api/order-lists/{new.list_id}"}
            again = asked.client_list_id is not None
            raise outcome_unknown(unknown, where, repeatable=again, what="list") from unknown
        return AcceptedList(
            list_id=accepted.list_id,
            kind=asked.kind,
            order_ids=list(accepted.order_ids),
            position=epochs.shown(accepted.position),
            network=accepted.network,
            paper=accepted.paper or None,
        )

    async def show(self, services: Services, caller: Caller, list_id: UUID) -> LinkedView | None:
        states = await _orders_of(services, caller, list_id)
        return await _view(services, list_id, states) if states else None

    async def cancel(self, services: Services, caller: Caller, list_id: UUID) -> CancelledLinked | None:
        """One after the other: the cancel of one may end others."""
        if not (states := await _orders_of(services, caller, list_id)):
            return None
        for state in states:
            await cancelled(services, caller, state.order_id)
        # Each as it is once all were asked for: a later one may have changed what an earlier answer said.
        histories = [await cancelled(services, caller, state.order_id) for state in states]
        now = await _orders_of(services, caller, list_id)
        items = [await cancel_answer(services, history) for history in histories]
        return CancelledLinked(list_id=list_id, status=_status(now), items=items)


async def _orders_of(services: Services, caller: Caller, list_id: UUID) -> list[OrderState]:
    """The caller's orders of the list, in its order; none where there is no such list."""
    first = leg_id(list_id, 1)
    streams = await services.events.load_many({leg_id(list_id, number): 0 for number in range(1, MOST_LEGS + 1)})
    if not streams[first] or streams[first][0].account_id != caller.account_id:
        return []
    states = [fold_recorded(services.mapper, recorded) for recorded in streams.values() if recorded]
    return [state for state in states if state]


async def _view(services: Services, list_id: UUID, states: Sequence[OrderState]) -> LinkedView:
    leg = _leg(states)
    return LinkedView(
        list_id=list_id,
        kind=leg.kind,
        client_list_id=leg.client_list_id,
        status=_status(states),
        order_ids=[state.order_id for state in states],
        orders=await with_rents(services, [state.view() for state in states]),
    )


def _status(states: Sequence[OrderState]) -> ListStatus:
    if not all(state.order.ended for state in states):
        return "open"
    filled = sum(state.order.status == "confirmed" for state in states)
    return "filled" if filled == (1 if _leg(states).kind == "oco" else 2) else "ended"


def _leg(states: Sequence[OrderState]) -> Leg:
    leg = states[0].order.leg
    assert leg is not None  # noqa: S101 - an order whose id is a list's was recorded as one of it
    return leg
