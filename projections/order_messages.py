"""What a stream says of an order: one message an event, made of the log alone, so that everybody gets the same."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from domain.events import OrderEvent
from projections.history import OrderState
from projections.order_view import cancellation, dex, executed_price, tx_hash


class OrderMessage(NamedTuple):
    """What is said of the event ``version`` in JSON; ``text`` is None where nothing is.

    Text and not bytes, as a WebSocket's text frames take it.
    """

    version: int
    text: str | None


def order_message(before: OrderState | None, now: OrderState, event: OrderEvent, *, events: bool) -> OrderMessage:
    """The message of ``event``, which led from ``before`` to ``now``: with ``events`` it always says something, else
    only where the status changed.
    """
    order = now.order
    if not events and before and before.order.status == order.status:
        return OrderMessage(now.version, None)
    cancelled = cancellation(order)
    said = {
        "orderId": str(now.order_id),
        "sequence": now.version,
        "status": order.status,
        "timestamp": int(now.updated_at.timestamp() * 1000),
        "dex": dex(order),
        "txHash": tx_hash(order),
        "executedPrice": executed_price(order),
        "network": order.network,
        "paper": order.paper or None,
        "failure": order.failure.model_dump() if order.failure else None,
        "cancellation": cancelled.model_dump(mode="json", by_alias=True) if cancelled else None,
    }
    if events:
        said |= {"type": type(event).__name__, "data": event.public()}
    known = {name: value for name, value in said.items() if value is not None}
    return OrderMessage(now.version, msgspec.json.encode(known).decode())
