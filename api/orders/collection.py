"""GET and POST /api/orders: the list, and what is put into it."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import QueryParameter

from api.callers.caller import InjectedCaller
from api.callers.rules import READ, TRADE
from api.errors import RETRY_AFTER, ProblemError
from api.openapi import DocumentedOperation, problems
from api.orders import fields
from api.orders.answers import AcceptedOrder, OrderPage
from api.orders.as_it_is import with_rents
from api.orders.document import BODY_LIMIT
from api.orders.headers import ETAG
from api.orders.instants import DATE_TIME, instant_asked
from api.orders.lookup import is_id, pair_named
from api.orders.openapi import ExecuteOperation
from api.orders.read import Limit
from api.orders.submit import ANSWER, RESPONSES, ExpiresAfter, IdempotencyKey, Prefer, answered
from api.services import InjectedServices, Services
from commands.ids import order_id
from domain.epochs import POSITION, Epochs
from domain.events import Status
from domain.terms import OrderType
from domain.tokens import Side
from projections.errors import BadCursorError, ProjectionBehindError
from projections.orders.filters import OrderFilter

Sort = Literal["-submittedAt", "submittedAt"]
Position = Annotated[
    str | None,
    QueryParameter(
        pattern=f"^{POSITION}$", description="A `position` of an answer, as `1.6`: wait until the list shows it."
    ),
]


class OrderCollectionController(Controller):
    path = "/api/orders"
    tags = ("orders",)
    opt = READ

    @get(
        operation_class=DocumentedOperation,
        operation_id="listOrders",
        summary="Orders, newest first",
        response_description="A page of orders.",
        responses=problems(
            "invalid_query",
            "unknown_pair",
            "invalid_client_order_id",
            "position_lost",
            "projection_behind",
            "log_unavailable",
        ),
    )
    async def list_orders(
        self,
        services: InjectedServices,
        caller: InjectedCaller,
        status: Annotated[
            Status | None, QueryParameter(description="Only orders at this status, as `confirmed`.")
        ] = None,
        pair: Annotated[
            str | None, QueryParameter(max_length=100, description="Only orders of this pair, as `SOL/USDC`.")
        ] = None,
        order_type: Annotated[OrderType | None, QueryParameter(name="type", description="As `limit`.")] = None,
        side: Annotated[Side | None, QueryParameter(description="`buy` or `sell`; with `pair`.")] = None,
        client_order_id: Annotated[
            str | None, QueryParameter(name="clientOrderId", max_length=64, description="The one with your own id.")
        ] = None,
        parent_id: Annotated[
            str | None, QueryParameter(name="parentId", max_length=36, description="Only orders of this list.")
        ] = None,
        since: Annotated[
            str | None,
            QueryParameter(description="Submitted then or later, as `2026-01-01T00:00:00Z`.", schema_extra=DATE_TIME),
        ] = None,
        until: Annotated[
            str | None,
            QueryParameter(description="Submitted before, as `2030-01-01T00:00:00Z`.", schema_extra=DATE_TIME),
        ] = None,
        sort: Annotated[Sort, QueryParameter(description="`submittedAt`: the oldest first.")] = "-submittedAt",
        limit: Limit = 50,
        cursor: Annotated[
            str | None, QueryParameter(max_length=96, description="`next` of the page before; none for the first.")
        ] = None,
        position: Position = None,
    ) -> OrderPage:
        """From a read model that follows the log: `position` waits until it shows what an answer has accepted.

        A cursor goes on with the question it came from, asked again by the same account. A position or cursor of a log
        that was put back since is answered 410: ask without it.
        """
        asked = OrderFilter(
            status=status,
            pair=None if pair is None else pair_named(services, pair),
            side=side,
            type=order_type,
            order_id=None if client_order_id is None else _order_id(caller, client_order_id),
            parent_id=None if parent_id is None else _list_id(parent_id),
            since=instant_asked(since, "since"),
            until=instant_asked(until, "until"),
            oldest_first=sort == "submittedAt",
        )
        if asked.side and asked.pair is None:
            raise ProblemError(400, "invalid_query", "A side is one of a pair: ask with pair=.", field="side")
        epochs = await services.epochs()
        if position is not None:
            await _reached(services, epochs, _read(epochs, position))
        try:
            page = await services.order_list.page(caller.account_id, epochs, asked, limit=limit, cursor=cursor)
        except BadCursorError:
            raise ProblemError(400, "invalid_query", "That is no cursor of this list.", field="cursor") from None
        items = await with_rents(services, [state.view() for state in page.states])
        return OrderPage(items=items, next=page.next)

    @post(
        opt=TRADE,
        status_code=202,
        request_max_body_size=BODY_LIMIT,
        operation_class=ExecuteOperation,
        operation_id="submitOrder",
        response_headers=(ETAG,),
        summary="Submit an order",
        response_description=ANSWER,
        responses=RESPONSES,
    )
    async def submit_order(
        self,
        request: Request[Any, Any, Any],
        services: InjectedServices,
        caller: InjectedCaller,
        idempotency_key: IdempotencyKey = None,
        expires: ExpiresAfter = None,
        prefer: Prefer = None,
    ) -> Response[AcceptedOrder]:
        """Record an order and begin to execute it.

        With a `clientOrderId`, or the header `Idempotency-Key`, which is the same, it is safe to repeat: the same terms
        get the same answer, other terms 409. Beyond loopback one of them is needed. `Surefill-Expires-After` says until
        when it may be taken; with `Prefer: wait=5` it is answered when the order has ended, after 5 s at the latest.
        """
        return await answered(request, services, caller, idempotency_key, expires, prefer)


def _read(epochs: Epochs, position: str) -> int:
    try:
        return epochs.read(position)
    except ValueError:
        raise ProblemError(400, "invalid_query", "A position looks like 1.6.", field="position") from None


async def _reached(services: Services, epochs: Epochs, position: int) -> None:
    """Return once the list shows ``position``. Raises ``ProblemError``."""
    try:
        await services.order_list.wait_for(position, services.config.position_patience)
    except ProjectionBehindError:
        head = await services.events.head()
        if position > head:
            detail = f"Nothing has that position: the log ends at {epochs.shown(head)}."
            raise ProblemError(400, "invalid_query", detail, field="position") from None
        detail, headers = "The list has not reached that position yet.", {"Retry-After": RETRY_AFTER}
        raise ProblemError(503, "projection_behind", detail, field="position", headers=headers) from None


def _order_id(caller: InjectedCaller, client_order_id: str) -> UUID:
    return order_id(caller.account_id, fields.client_order_id(client_order_id, "clientOrderId"))


def _list_id(text: str) -> UUID:
    if not is_id(text):
        raise ProblemError(400, "invalid_query", "A list id looks like 0190f3a4-....", field="parentId")
    return UUID(text)
