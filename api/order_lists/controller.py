"""The routes of lists of orders: POST /api/order-lists, and what becomes of one. The kinds are in ``kinds.py``."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, cast

from litestar import Controller, Request, Response, get, post
from litestar.params import HeaderParameter

from api.callers.caller import InjectedCaller
from api.callers.rules import READ, TRADE
from api.comparison_patience import once_compared
from api.openapi import DocumentedOperation, problems
from api.order_lists.kind import AcceptedList
from api.order_lists.kinds import LIST_KINDS, kind_named
from api.order_lists.linked import CancelledLinked, LinkedView
from api.order_lists.lookup import ListId, list_not_found, parse_list_id
from api.order_lists.openapi import SubmitListOperation
from api.order_lists.twap import CancelledTwap
from api.order_lists.twap_progress import TwapView
from api.orders.document import BODY_LIMIT, media_type, read
from api.orders.headers import IDEMPOTENCY_KEY, expires_after, in_its_words, with_idempotency_key
from api.orders.submit import ExpiresAfter
from api.services import InjectedServices

_NAME = "clientListId"
ListKey = Annotated[
    str | None, HeaderParameter(name=IDEMPOTENCY_KEY, description="Another name for the body's clientListId.")
]


class OrderListsController(Controller):
    path = "/api/order-lists"
    tags = ("lists",)
    opt = READ

    @post(
        opt=TRADE,
        status_code=202,
        request_max_body_size=BODY_LIMIT,
        operation_class=SubmitListOperation,
        operation_id="submitList",
        summary="Submit a list of orders",
        response_description="It is recorded. Repeated with the same clientListId, the same answer.",
        responses=problems(
            *("invalid_json", "unsupported_media_type", "missing_field", "unknown_list_kind", "wrong_leg_count"),
            *("legs_differ", "client_order_id_not_allowed", "client_list_id_conflict", "trading_halted"),
            *("invalid_slices", "invalid_every_ms", "not_sliceable", "slice_too_small"),
            *("open_orders_exceeded", "notional_exceeded", "log_behind", "log_unavailable", "outcome_unknown"),
        ),
    )
    async def submit_list(
        self,
        request: Request[Any, Any, Any],
        services: InjectedServices,
        caller: InjectedCaller,
        idempotency_key: ListKey = None,
        expires: ExpiresAfter = None,
    ) -> Response[AcceptedList]:
        """All of its orders are recorded, or none. `oco`: of two orders of one pair and direction one is filled at
        most. `oto`: the second order begins once the first is filled. `otoco`: so does an `oco` of two.

        `twap`: one order in so many slices, one every so often, each recorded when it is due.

        With a `clientListId`, or an `Idempotency-Key`, it is safe to repeat: the same list gets the same answer,
        another one 409.
        """  # fmt: skip
        document = read(await request.body(), media_type(request.headers))
        named = with_idempotency_key(document, idempotency_key, _NAME)
        given = {name: value for name, value in named.items() if value is not None}
        kind, headers = kind_named(given.get("kind")), dict[str, str]()
        with in_its_words(document, idempotency_key, _NAME):
            accepted = await kind.submit(services, caller, given, expires_after(expires), headers)
        headers["Location"] = f"/api/order-lists/{accepted.list_id}"
        return Response(accepted, headers=headers)

    @get(
        "/{list_id:str}",
        operation_class=DocumentedOperation,
        operation_id="getList",
        summary="A list of orders",
        response_description="The list and its orders as they are now.",
        responses=problems("invalid_list_id", "list_not_found", "order_unreadable", "log_unavailable"),
    )
    async def get_list(
        self, services: InjectedServices, caller: InjectedCaller, list_id: ListId
    ) -> Response[LinkedView | TwapView]:
        """Folded from its own and its orders' events, so never behind the answer that accepted it."""
        for kind in LIST_KINDS:
            if found := await kind.show(services, caller, parse_list_id(list_id)):
                return cast(Response[LinkedView | TwapView], Response(found))
        raise list_not_found()

    @post(
        "/{list_id:str}/cancel",
        opt=TRADE,
        status_code=202,
        operation_class=DocumentedOperation,
        operation_id="cancelList",
        summary="Cancel a list of orders",
        response_description="What has become of each of its orders by now.",
        responses=problems(
            *("invalid_list_id", "list_not_found", "order_unreadable"),
            *("log_behind", "history_not_compared", "log_unavailable", "outcome_unknown"),
        ),
    )
    async def cancel_list(
        self, services: InjectedServices, caller: InjectedCaller, list_id: ListId
    ) -> Response[CancelledLinked | CancelledTwap]:
        """Each of its orders that has not ended is cancelled, as `cancelOrder` does; of a TWAP no slice follows. One
        whose orders have all ended stays as it is. Safe to repeat.
        """
        asked = parse_list_id(list_id)
        for kind in LIST_KINDS:
            ask = partial(kind.cancel, services, caller, asked)
            if found := await once_compared(services.compared, caller.account_id, ask):
                return cast(Response[CancelledLinked | CancelledTwap], Response(found, status_code=202))
        raise list_not_found()
