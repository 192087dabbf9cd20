"""Ask for an order's cancel. What comes of it is for the chain to say where a swap may still land."""

from __future__ import annotations

from uuid import UUID

from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain.commands import RequestCancel
from domain.errors import DomainError


async def cancel_order(orders: OrderRepository, order_id: UUID, *, by: str, because: str) -> LoadedOrder:
    """The order with its cancel requested, once however often it is asked; it has ended with it where nothing could
    land.

    Raises ``DomainError``: ``order_not_found``, ``order_unreadable``, and ``too_late`` where the order has ended
    otherwise; ``LogUnavailableError`` and ``OutcomeUnknownError``, after which it may be asked again.
    """
    loaded = await orders.load([order_id])
    if order_id in loaded.unreadable:
        raise DomainError("order_unreadable", f"Order {order_id} can't be read: {loaded.unreadable[order_id]}")
    history = loaded.orders.get(order_id)
    if history is None or history.order is None:
        raise DomainError("order_not_found", f"There is no order {order_id}.")
    if history.order.status in ("confirmed", "failed"):
        raise DomainError("too_late", f"The order is {history.order.status}.")
    if history.order.cancellation:
        return history
    return await orders.execute(history, RequestCancel(by=by, because=because))
