"""Whether a TWAP has finished: a cancel of it then would tell of slices that it kept from nothing."""

from __future__ import annotations

from commands.orders import Guards, OrderRepository
from domain.twap import Twap
from event_store.types import StreamGuard

# So many orders are folded at a time: others are served between.
AT_ONCE = 100


async def unfinished(orders: OrderRepository, known: Twap) -> Guards | None:
    """What holds only while the list has not finished; None where it has: each slice has ended or was refused.

    Nothing is held where a slice can't be read and all others have ended: what may be open is to be cancelled.
    """
    refused = {one.slice for one in known.refused}
    # The last ones first: of most lists that go on those aren't there yet.
    slices = [(order_id, number in refused) for number, order_id in enumerate(known.order_ids, 1)][::-1]
    all_read = True
    for start in range(0, len(slices), AT_ONCE):
        some = slices[start : start + AT_ONCE]
        loaded = await orders.load([order_id for order_id, _ in some])
        all_read = all_read and not loaded.unreadable
        for order_id, was_refused in some:
            history = loaded.orders.get(order_id)
            if history is not None and history.order is not None:
                if not history.order.ended:
                    return (StreamGuard(order_id, history.version),)
            elif order_id not in loaded.unreadable and not was_refused:
                return (StreamGuard(order_id, 0),)
    return None if all_read else ()
