"""POST /api/orders/batch: many orders in one request and one append, an answer for each."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from litestar import Controller, Request, Response, post
from pydantic import Field

from api.callers.caller import Caller, InjectedCaller
from api.callers.rules import TRADE
from api.errors import ProblemError
from api.openapi import problems
from api.orders.answers import AcceptedOrder
from api.orders.document import BODY_LIMIT, checked, media_type, read_unchecked, shown
from api.orders.fields import invalid
from api.orders.headers import IDEMPOTENCY_KEY, expires_after
from api.orders.openapi import BatchOperation
from api.orders.submit import ExpiresAfter, submitted
from api.problems import ProblemDetails, problem_of
from api.services import InjectedServices, Services
from projections.order_view import IfKnown, View

MOST_ORDERS = 100


class BatchItem(View):
    """What became of one order: ``order`` where it was recorded, ``problem`` where it was not."""

    status: int = Field(description="As the order alone would have been answered.", examples=[202])
    order: IfKnown[AcceptedOrder] = None
    problem: IfKnown[ProblemDetails] = None


class BatchAnswer(View):
    items: list[BatchItem] = Field(description="In the order of the request.")


class BatchController(Controller):
    path = "/api/orders"
    tags = ("orders",)
    opt = TRADE

    @post(
        "/batch",
        status_code=207,
        request_max_body_size=BODY_LIMIT,
        operation_class=BatchOperation,
        operation_id="executeOrders",
        summary="Submit up to 100 orders",
        response_description="An answer for each order, in their order; a bad one fails alone.",
        responses=problems("invalid_json", "unsupported_media_type", "batch_size", "invalid_client_order_id"),
    )
    async def execute_orders(
        self,
        request: Request[Any, Any, Any],
        services: InjectedServices,
        caller: InjectedCaller,
        expires: ExpiresAfter = None,
    ) -> Response[BatchAnswer]:
        """Record orders in one append and begin to execute them, each as `POST /api/orders/execute` does.

        Each is idempotent by its own `clientOrderId`; two alike without one are two orders.
        """
        if IDEMPOTENCY_KEY in request.headers:
            # One key for many orders would look safe and not be: none of them would have it.
            raise invalid(
                "invalid_client_order_id", "In a batch each order has its own clientOrderId.", IDEMPOTENCY_KEY
            )
        until = expires_after(expires)
        orders = _orders(await request.body(), media_type(request.headers))
        items: list[BatchItem | None] = [None] * len(orders)

        async def in_turn(alike: list[int]) -> None:
            for index in alike:
                items[index] = await _item(services, caller, orders[index], until)

        await asyncio.gather(*(in_turn(alike) for alike in _alike(orders)))
        return Response(BatchAnswer(items=[item for item in items if item]))


def _alike(orders: list[Any]) -> list[list[int]]:
    """The places of ``orders`` that share a client order id: the first of them is the order, as it would be alone."""
    places: dict[object, list[int]] = {}
    for index, order in enumerate(orders):
        client_id = order.get("clientOrderId") if isinstance(order, dict) else None
        places.setdefault(client_id if isinstance(client_id, str) else index, []).append(index)
    return list(places.values())


def _orders(body: bytes, content_type: str | None) -> list[Any]:
    document = read_unchecked(body, content_type, BODY_LIMIT, "A batch")
    unknown = sorted(set(document) - {"orders"})
    if unknown:
        raise ProblemError(422, "unknown_field", "A batch has one field, orders.", field=shown(unknown[0]))
    orders = document.get("orders")
    if not isinstance(orders, list) or not 1 <= len(orders) <= MOST_ORDERS:
        raise ProblemError(
            422, "batch_size", f"orders is a list of 1 to {MOST_ORDERS} orders; send more in further requests.",
            field="orders",
        )  # fmt: skip
    return orders


async def _item(services: Services, caller: Caller, order: Any, expires: datetime | None) -> BatchItem:
    try:
        if not isinstance(order, dict):
            raise ProblemError(400, "not_an_object", "Each order is a JSON object.", field="orders")
        return BatchItem(status=202, order=await submitted(services, caller, checked(order), expires))
    except Exception as error:  # noqa: BLE001 - one order's refusal is its own; what is unforeseen is logged there
        problem = problem_of(error)
        return BatchItem(status=problem.status, problem=ProblemDetails.model_validate(problem.body()))
