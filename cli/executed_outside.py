"""What becomes of each order that was executed outside of the log, as `surefill recover` shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from commands.loaded_order import LoadedOrder
from commands.twap.lost_slices import lists_of
from domain.log_behind import ForeignTransactionFound
from runtime.composition import Store


async def executed_outside(store: Store, found: Sequence[ForeignTransactionFound]) -> list[str]:
    """A line for each of those ``found`` that succeeded, with what its order is by that, or becomes."""
    executed = [one for one in found if not one.failed]
    loaded = await store.orders.load([one.order_id for one in executed])
    lost = {one.order_id for one in executed} - loaded.orders.keys() - loaded.unreadable.keys()
    lists = await lists_of(store.events, store.mapper, lost)
    lines = []
    for one in executed:
        became = _lost(lists.get(one.order_id)) if one.order_id in lost else _there(loaded.orders, one)
        lines.append(f"  {one.order_id}  {one.signature}, slot {one.slot}: {became}")
    return lines


def _there(orders: Mapping[UUID, LoadedOrder], found: ForeignTransactionFound) -> str:
    history = orders.get(found.order_id)
    order = history.order if history else None
    return order.status if order and order.guard_taken_by == found.signature else "the log says otherwise"


def _lost(list_id: UUID | None) -> str:
    """``list_id`` is that of the TWAP in the log whose slice it is: nobody has to post it again."""
    if list_id is None:
        return "ends when it, or its list, is posted again"
    return f"a slice of the list {list_id}, which is its order again once trading is resumed"
