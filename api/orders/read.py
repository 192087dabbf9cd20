"""One order: read back, now or as it was, with its events; and amended."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter

from api.callers.caller import Caller, InjectedCaller
from api.callers.rules import READ, TRADE
from api.errors import ProblemError
from api.openapi import EXAMPLE_ORDER, DocumentedOperation, problems
from api.orders import fields
from api.orders.amend import RESPONSES, AmendOperation, amend
from api.orders.answers import EventPage, event_view
from api.orders.as_it_is import as_it_is, with_troubles
from api.orders.document import BODY_LIMIT, media_type
from api.orders.headers import ETAG, etag
from api.orders.instants import DATE_TIME, instant_asked
from api.orders.lookup import parse_order_id, stream_of
from api.orders.precondition import IfMatch, version_seen
from api.services import InjectedServices, Services
from commands.ids import order_id as order_id_of
from projections.history import fold_recorded, revision, until
from projections.order_view import OrderView

OrderId = Annotated[
    str, PathParameter(description="As the 202 gave it.", schema_extra={"format": "uuid"}, examples=EXAMPLE_ORDER)
]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="How many at most.")]
ClientOrderId = Annotated[
    str,
    PathParameter(
        description="As you submitted it.",
        schema_extra={"pattern": "^[A-Za-z0-9._:-]{1,64}$"},
        examples=[Example(summary="Your own", value="a-1")],
    ),
]
Version = Annotated[int | None, QueryParameter(ge=1, description="The order as it was after this many events, as `3`.")]
AsOf = Annotated[
    str | None,
    QueryParameter(
        name="as_of",
        description="The order as it was at this instant, as `2030-01-01T00:00:00Z`.",
        schema_extra=DATE_TIME,
    ),
]


class OrdersController(Controller):
    path = "/api/orders"
    tags = ("orders",)
    opt = READ

    @get(
        "/{order_id:str}",
        operation_class=DocumentedOperation,
        operation_id="getOrder",
        response_headers=(ETAG,),
        summary="One order",
        response_description="The order; what isn't known yet is absent.",
        responses=problems(
            "invalid_order_id",
            "invalid_query",
            "order_not_found",
            "version_not_found",
            "not_yet_submitted",
            "order_unreadable",
            "log_unavailable",
        ),
    )
    async def get_order(
        self,
        services: InjectedServices,
        caller: InjectedCaller,
        order_id: OrderId,
        version: Version = None,
        as_of: AsOf = None,
    ) -> Response[OrderView]:
        """Folded from the order's own events, so never behind the answer that accepted it."""
        return await _order(services, caller, parse_order_id(order_id), version, as_of)

    @patch(
        "/{order_id:str}",
        opt=TRADE,
        status_code=200,
        request_max_body_size=BODY_LIMIT,
        operation_class=AmendOperation,
        operation_id="amendOrder",
        response_headers=(ETAG,),
        summary="Amend an order that waits",
        response_description="The order as it is now; it may have been triggered by its new terms already.",
        responses=RESPONSES,
    )
    async def amend_order(
        self,
        request: Request[Any, Any, Any],
        services: InjectedServices,
        caller: InjectedCaller,
        order_id: OrderId,
        if_match: IfMatch = None,
    ) -> Response[OrderView]:
        """Whatever is given takes the place of what was, in one event; the rest stays. Terms that are met by now are no
        error: it executes. An order keeps its place among those that wait where only its amount falls.
        """
        version, asked = version_seen(if_match), parse_order_id(order_id)
        await amend(services, caller, asked, await request.body(), media_type(request.headers), version)
        return await _order(services, caller, asked, None, None)

    @get(
        "/by-client-id/{client_order_id:str}",
        operation_class=DocumentedOperation,
        operation_id="getOrderByClientId",
        response_headers=(ETAG,),
        summary="One order, by your own id",
        response_description="The order; what isn't known yet is absent.",
        responses=problems(
            "invalid_client_order_id", "invalid_query", "order_not_found", "order_unreadable", "log_unavailable"
        ),
    )
    async def get_order_by_client_id(
        self,
        services: InjectedServices,
        caller: InjectedCaller,
        client_order_id: ClientOrderId,
        version: Version = None,
        as_of: AsOf = None,
    ) -> Response[OrderView]:
        """The order that was submitted with this `clientOrderId` or `Idempotency-Key`."""
        named = fields.client_order_id(client_order_id, "clientOrderId")
        return await _order(services, caller, order_id_of(caller.account_id, named), version, as_of)

    @get(
        "/{order_id:str}/events",
        operation_class=DocumentedOperation,
        operation_id="getOrderEvents",
        summary="Everything that happened to an order",
        response_description="Its events, the first to the last.",
        responses=problems(
            "invalid_order_id", "invalid_query", "order_not_found", "order_unreadable", "log_unavailable"
        ),
    )
    async def get_events(
        self,
        services: InjectedServices,
        caller: InjectedCaller,
        order_id: OrderId,
        limit: Limit = 50,
        cursor: Annotated[
            str | None,
            QueryParameter(pattern="^[0-9]{1,9}$", description="`next` of the page before; none for the first."),
        ] = None,
    ) -> EventPage:
        """The order's whole story, every quote considered included; never the signed bytes."""
        recorded = await stream_of(services, caller, parse_order_id(order_id))
        rest = [stored for stored in recorded if stored.version > int(cursor or 0)]
        page = rest[:limit]
        epochs = await services.epochs()
        return EventPage(
            items=[event_view(services.mapper, stored, epochs) for stored in page],
            next=str(page[-1].version) if len(rest) > limit else None,
        )


async def _order(
    services: Services, caller: Caller, order_id: UUID, version: int | None, as_of: str | None
) -> Response[OrderView]:
    """The caller's order, now or as it was, with what an ``If-Match`` names it by as ``ETag``."""
    at = instant_asked(as_of, "as_of")
    recorded = await stream_of(services, caller, order_id)
    if version is not None and version > recorded[-1].version:
        detail = f"The order is at version {recorded[-1].version}."
        raise ProblemError(404, "version_not_found", detail, field="version")
    shown = until(recorded, version=version, as_of=at)
    state = fold_recorded(services.mapper, shown)
    if state is None:
        raise ProblemError(404, "not_yet_submitted", "The order did not exist at that instant.", field="as_of")
    if state.version < recorded[-1].version:
        view = state.view()
    elif at is None:
        view = await as_it_is(services, caller, state)
    else:
        # Its rent may have come back since that instant, of which its events say nothing.
        view = await with_troubles(services, caller, state)
    return Response(view, headers=etag(revision(shown)))
