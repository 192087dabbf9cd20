"""GET /ws/orders/{id}: an order's changes, live or long after, each once and in order.

A message for every version at which the status changed, or with ``events=true`` for every version. ``sequence`` is the
event's version, and ``after`` takes it. Everything a message says follows from the log alone, so that any number of
sockets, at any time, get the same.
"""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, websocket
from litestar.params import QueryParameter

from api.callers.caller import InjectedCaller
from api.callers.rules import READ
from api.delivery import Delivery
from api.openapi import DocumentedOperation, problems
from api.orders.read import OrderId
from api.services import InjectedServices
from api.sockets import Socket, accepted, upgrade_required

After = Annotated[
    int, QueryParameter(ge=0, le=999_999_999, description="Go on after this `sequence` of a message, as `3`.")
]
Events = Annotated[bool, QueryParameter(description="`true`: a message for every event.")]


class StreamsController(Controller):
    path = "/ws/orders"
    tags = ("orders",)
    opt = READ

    @websocket("/{order_id:str}")
    async def stream(
        self, socket: Socket, services: InjectedServices, caller: InjectedCaller, order_id: OrderId
    ) -> None:
        async with accepted(socket):
            await Delivery(services, caller, socket).run(order_id)

    @get(
        "/{order_id:str}",
        operation_class=DocumentedOperation,
        operation_id="streamOrder",
        summary="An order's changes, by WebSocket",
        status_code=101,
        responses=problems("bad_request", "upgrade_required"),
        response_description="Switching to WebSocket.",
    )
    async def upgrade(self, order_id: OrderId, after: After = 0, events: Events = False) -> None:
        """One message for each change of status, until the order has ended.

        A request that isn't a WebSocket's, as one from this page, is answered 426.
        """
        raise upgrade_required()
