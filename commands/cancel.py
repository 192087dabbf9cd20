"""Ask for an order's cancel. What comes of it is for the chain to say where a swap may still land."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from commands.errors import GuardFailedError, TooManyConflictsError
from commands.history_compared import NOT_COMPARED, may_be_changed
from commands.loaded_order import LoadedOrder
from commands.orders import MOST_CONFLICTS, OrderRepository
from commands.trading import TradingStates
from domain.commands import RequestCancel
from domain.errors import DomainError, NotApplicableError
from domain.order import Order

CancelOutcome = Literal["cancelled", "tooLate", "pending"]
"""It never swaps; it has ended otherwise; its cancel is asked for, and the chain says what comes first."""


def cancel_outcome(order: Order) -> CancelOutcome:
    """What became of an order whose cancel was asked for, as of now."""
    if order.status == "cancelled":
        return "cancelled"
    return "tooLate" if order.ended else "pending"


async def request_cancel(
    orders: OrderRepository,
    trading: TradingStates,
    order_id: UUID,
    *,
    account_id: UUID | None = None,
    by: str,
    because: str | None,
) -> LoadedOrder:
    """The order once its cancel is requested, once however often it is asked, or once it has ended, in whatever way. It
    has ended with the request where nothing could land. ``account_id``: whose order it has to be.

    Raises ``DomainError``: ``order_not_found``, ``order_unreadable``, ``log_behind`` where the log was put back, and
    ``history_not_compared`` while nobody has looked yet whether it was; ``LogUnavailableError`` and
    ``OutcomeUnknownError``, after which it may be asked again.
    """
    for _ in range(MOST_CONFLICTS):
        history = await order_of(orders, order_id, account_id)
        order = history.order
        if order is None or order.ended or order.cancellation:
            return history
        state = await trading.of(history.account_id)
        if state.behind:
            # In what the log lost a transaction of the order may have succeeded: it would be said to have ended
            # without.
            raise state.held("; `surefill recover` asks which orders to cancel.")
        if not await may_be_changed(trading.compared, history):
            raise DomainError("history_not_compared", NOT_COMPARED)
        guards = trading.guards(history.account_id, state)
        try:
            return await orders.execute(history, RequestCancel(by=by, because=because), guards=guards)
        except GuardFailedError:
            trading.forget(history.account_id)
        except NotApplicableError:
            # It has ended meanwhile, or somebody else has asked.
            continue
    raise TooManyConflictsError(str(order_id))


async def cancel_order(
    orders: OrderRepository, trading: TradingStates, order_id: UUID, *, by: str, because: str
) -> LoadedOrder:
    """As ``request_cancel``; raises ``DomainError("too_late")`` where the order has ended otherwise."""
    history = await request_cancel(orders, trading, order_id, by=by, because=because)
    if history.order is not None and cancel_outcome(history.order) == "tooLate":
        raise DomainError("too_late", f"The order is {history.order.status}.")
    return history


async def order_of(orders: OrderRepository, order_id: UUID, account_id: UUID | None = None) -> LoadedOrder:
    """The order as of now. One of another account than ``account_id`` is as unknown as one that never was, and so is a
    stream that isn't an order's.

    Raises ``DomainError``: ``order_not_found``, ``order_unreadable``.
    """
    loaded = await orders.load([order_id])
    unreadable = loaded.unreadable.get(order_id)
    if unreadable and account_id in (None, unreadable.recorded.account_id) and not orders.is_anothers(unreadable):
        raise DomainError("order_unreadable", f"Order {order_id} can't be read: {unreadable}")
    history = loaded.orders.get(order_id)
    if history is None or history.order is None or account_id not in (None, history.account_id):
        raise DomainError("order_not_found", f"There is no order {order_id}.")
    return history
