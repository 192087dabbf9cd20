"""Submit a list of orders that belong together: once, however often it is asked, all of them in one append.

The ids of a list and of its orders follow from the client's own id of it, so the log itself refuses a second one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from commands.errors import SubmissionUnknownError
from commands.ids import now, uuid7
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain.commands import RecordElsewhere, SubmitOrder
from domain.consequences import consequences
from domain.decide import decide
from domain.errors import DomainError
from domain.events import OrderEvent
from domain.evolve import fold
from domain.legs import Leg, LinkedKind, leg_id
from domain.log_behind import ForeignTransactionFound
from domain.order import Order
from event_store.errors import OutcomeUnknownError
from event_store.types import Conflict, StreamGuard


@dataclass(frozen=True, slots=True)
class AcceptedList:
    """The list as first accepted, and the position of the append that recorded it. ``network`` and ``paper`` are those
    of its first order, as they are of the others.
    """

    list_id: UUID
    order_ids: tuple[UUID, ...]
    position: int
    network: str
    paper: bool


@dataclass(frozen=True, slots=True)
class NewList:
    """A list to be submitted; ``orders`` are its commands, the first order's first."""

    list_id: UUID
    kind: LinkedKind
    client_list_id: str | None
    orders: Sequence[SubmitOrder]

    @property
    def order_ids(self) -> tuple[UUID, ...]:
        return tuple(leg_id(self.list_id, number) for number in range(1, len(self.orders) + 1))

    def submissions(self) -> list[SubmitOrder]:
        """Each order with its place in the list; one that follows another begins with that, and has no deadline yet."""
        legs = [
            Leg(list_id=self.list_id, kind=self.kind, number=number, client_list_id=self.client_list_id)
            for number in range(1, len(self.orders) + 1)
        ]
        return [
            replace(order, leg=leg, deadline=None if leg.follows_first else order.deadline)
            for order, leg in zip(self.orders, legs, strict=True)
        ]


async def submit_list(
    orders: OrderRepository,
    account_id: UUID,
    new: NewList,
    executed: Mapping[UUID, ForeignTransactionFound] | None = None,
) -> AcceptedList:
    """Record the list, or find it recorded. ``executed``: orders of it that the log had lost, and that the chain shows
    to be executed: they end in the same append, with what follows for the others.

    Raises ``DomainError("client_list_id_conflict")`` for another list under a known client list id, and as
    ``submit_order`` does.
    """
    decided = _decided(new, executed or {})
    streams = [(LoadedOrder(order_id, account_id), decided[order_id]) for order_id in new.order_ids]
    try:
        # A list of another kind would have the same id, and a stream of its own by that.
        outcome = await orders.create_all(streams, uuid7(), guards=(StreamGuard(new.list_id, 0),))
    except OutcomeUnknownError as unknown:
        raise SubmissionUnknownError(new.list_id) from unknown
    if isinstance(outcome, Conflict):
        return await _first_answer(orders, new)
    first = new.orders[0]
    return AcceptedList(new.list_id, new.order_ids, outcome.position, first.network, first.paper)


def _decided(new: NewList, executed: Mapping[UUID, ForeignTransactionFound]) -> dict[UUID, list[OrderEvent]]:
    """The first events of each order."""
    decided: dict[UUID, list[OrderEvent]] = {}
    for order_id, command in zip(new.order_ids, new.submissions(), strict=True):
        events = decide(None, command)
        if order_id in executed:
            events += decide(fold(events), RecordElsewhere(executed[order_id]))
        decided[order_id] = events
    for order_id in executed:
        known = {one: order for one, events in decided.items() if (order := fold(events))}
        for other_id, events in consequences(known, order_id, now()).items():
            decided[other_id] += events
    return decided


async def _first_answer(orders: OrderRepository, new: NewList) -> AcceptedList:
    begun_as: list[Order] = []
    position = 0
    for order_id, command in zip(new.order_ids, new.submissions(), strict=True):
        recorded = await orders.recorded(order_id)
        # A list of another kind may have fewer orders.
        begun = [event for event in recorded if event.command_id == recorded[0].command_id]
        order = orders.history(begun).order if begun else None
        if order is None or order.leg != command.leg or not order.same_as(command.terms):
            raise _conflict("a list with other orders; use another, or repeat the same ones.")
        if order.paper and not command.paper:
            raise _conflict("a list on paper, which never becomes real; use another.")
        begun_as.append(order)
        position = max(position, begun[-1].position)
    return AcceptedList(new.list_id, new.order_ids, position, begun_as[0].network, begun_as[0].paper)


def _conflict(belongs_to: str) -> DomainError:
    return DomainError("client_list_id_conflict", f"This clientListId belongs to {belongs_to}", field="clientListId")
