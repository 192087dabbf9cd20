"""What the order routes answer beside the order itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from commands.submit import Accepted
from domain.epochs import Epochs
from domain.tokens import Side
from event_store.mapper import EventMapper
from event_store.types import RecordedEvent
from projections.history import order_event
from projections.order_view import IfKnown, Instant, OrderView, View, price


class Links(View):
    order: str
    events: str
    stream: str


class AcceptedOrder(View):
    """The first answer, and the answer to every repeat: what it says never changes."""

    order_id: UUID
    status: str = Field(default="pending", examples=["pending"])
    pair: str = Field(examples=["SOL/USDC"])
    side: Side
    limit_price: IfKnown[str] = None
    stop_price: IfKnown[str] = None
    position: str = Field(description="Opaque; a list asked with it waits until it shows the order.", examples=["1.8"])
    network: str
    paper: IfKnown[bool] = Field(default=None, description="It is filled at a quote, and never sent.")
    links: Links


class OrderPage(View):
    items: list[OrderView]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class EventView(View):
    """One event of an order; ``data`` is everything recorded but the signed bytes."""

    version: int
    position: str
    type: str = Field(examples=["OrderSubmitted"])
    recorded_at: Instant
    data: dict[str, Any]


class EventPage(View):
    items: list[EventView]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


def links(order_id: UUID) -> Links:
    path = f"/api/orders/{order_id}"
    return Links(order=path, events=f"{path}/events", stream=f"/ws/orders/{order_id}")


def accepted_order(accepted: Accepted, epochs: Epochs) -> AcceptedOrder:
    order = accepted.order
    return AcceptedOrder(
        order_id=accepted.order_id,
        pair=order.pair.symbol,
        side=order.side,
        limit_price=price(order.limit_price),
        stop_price=price(order.stop_price),
        position=epochs.shown(accepted.position),
        network=order.network,
        paper=order.paper or None,
        links=links(accepted.order_id),
    )


def event_view(mapper: EventMapper, recorded: RecordedEvent, epochs: Epochs) -> EventView:
    event = order_event(mapper, recorded)
    return EventView(
        version=recorded.version,
        position=epochs.shown(recorded.position),
        type=type(event).__name__,
        recorded_at=recorded.recorded_at,
        data=event.public(),
    )
