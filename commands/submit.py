"""Submit an order: once, however often it is asked.

An order with a client order id has an id made from it, so the log itself refuses the second; the second asker gets the
first answer where the terms are the same, and a conflict where they aren't.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from commands.errors import SubmissionUnknownError
from commands.ids import order_id, uuid7
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain.commands import RecordElsewhere, SubmitOrder
from domain.errors import DomainError
from domain.log_behind import ForeignTransactionFound
from domain.order import Order
from event_store.errors import OutcomeUnknownError
from event_store.types import Conflict


@dataclass(frozen=True, slots=True)
class Accepted:
    """The order as first accepted, and the position of the append that recorded it."""

    order_id: UUID
    order: Order
    position: int


async def submit_order(
    orders: OrderRepository,
    account_id: UUID,
    command: SubmitOrder,
    executed: ForeignTransactionFound | None = None,
    *,
    as_id: UUID | None = None,
) -> Accepted:
    """Record the order, or find it recorded. ``executed``: the log had lost it, and the chain shows that it was
    executed; it ends in the same append, and nothing is signed for it. ``as_id`` is its id where that was made
    before.

    Raises ``DomainError("client_order_id_conflict")`` for other terms under a known client order id,
    ``LogUnavailableError`` where nothing was sent, ``SubmissionUnknownError`` where something was and its outcome is
    unknown, ``UnreadableEventError`` where the first of that id can't be read.
    """
    new = LoadedOrder(as_id or order_id(account_id, command.terms.client_order_id), account_id)
    try:
        ended = (RecordElsewhere(executed),) if executed else ()
        after, outcome = await orders.create(new, (command, *ended), uuid7())
    except OutcomeUnknownError as unknown:
        raise SubmissionUnknownError(new.order_id) from unknown
    if not isinstance(outcome, Conflict):
        assert after.order is not None  # noqa: S101 - a stream that was just begun has an order
        return Accepted(new.order_id, after.order, outcome.position)
    return await _first_answer(orders, new.order_id, command)


async def _first_answer(orders: OrderRepository, order_id: UUID, command: SubmitOrder) -> Accepted:
    recorded = await orders.recorded(order_id)
    begun = [event for event in recorded if event.command_id == recorded[0].command_id]
    order = orders.history(begun).order
    assert order is not None  # noqa: S101 - the log holds a stream's first event or none
    if not order.same_as(command.terms):
        raise _conflict("an order with other terms; use another, or repeat the same terms.")
    if order.paper and not command.paper:
        # Answered as the first time, it would look as if the real order had been taken.
        raise _conflict("an order on paper, which never becomes real; use another.")
    return Accepted(order_id, order, begun[-1].position)


def _conflict(belongs_to: str) -> DomainError:
    return DomainError("client_order_id_conflict", f"This clientOrderId belongs to {belongs_to}", field="clientOrderId")
