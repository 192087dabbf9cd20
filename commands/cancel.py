"""Ask for an order's cancel. What comes of it is for the chain to say where a swap may still land."""

from __future__ import annotations

from uuid import UUID

from commands.errors import GuardFailedError
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from commands.trading import TradingStates
from domain.commands import RequestCancel
from domain.errors import DomainError


async def cancel_order(
    orders: OrderRepository, trading: TradingStates, order_id: UUID, *, by: str, because: str
) -> LoadedOrder:
    """The order with its cancel requested, once however often it is asked; it has ended with it where nothing could
    land.

    Raises ``DomainError``: ``order_not_found``, ``order_unreadable``, ``too_late`` where the order has ended otherwise,
    and ``log_behind`` where the log was put back; ``LogUnavailableError`` and ``OutcomeUnknownError``, after which it
    may be asked again, as after ``GuardFailedError``.
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
    state = await trading.of(history.account_id)
    if state.behind:
        # In what the log lost a transaction of the order may have succeeded: it would be said to have ended without.
        raise DomainError("log_behind", "The log was put back; `surefill recover` asks which orders to cancel.")
    guards = trading.guards(history.account_id, state)
    try:
        return await orders.execute(history, RequestCancel(by=by, because=because), guards=guards)
    except GuardFailedError:
        trading.forget(history.account_id)
        raise
