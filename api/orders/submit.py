"""Submitting an order: POST /api/orders/execute, and what POST /api/orders does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, cast

from litestar import Controller, Request, Response, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter

from api.callers.caller import Caller, InjectedCaller
from api.callers.rules import TRADE
from api.config import ApiConfig
from api.epochs_after import epochs_after
from api.json_answer import JsonAnswer
from api.openapi import problems, recorded_answer
from api.orders.answers import AcceptedOrder, accepted_order, links
from api.orders.document import BODY_LIMIT, Document, media_type, read
from api.orders.ending import ended_within
from api.orders.gate import require_open
from api.orders.headers import (
    ETAG,
    EXPIRES_AFTER,
    IDEMPOTENCY_KEY,
    etag,
    expires_after,
    in_its_words,
    preferred_wait,
    with_idempotency_key,
)
from api.orders.openapi import ExecuteOperation
from api.orders.request import order_request
from api.orders.terms import terms
from api.problems import outcome_unknown
from api.services import InjectedServices, Services
from commands.errors import SubmissionUnknownError
from commands.submit import submit_order
from domain.commands import SubmitOrder
from domain.terms import OrderTerms
from projections.order_view import OrderView

RESPONSES = {
    **problems(
        *("invalid_json", "client_order_id_conflict", "body_too_large", "unsupported_media_type", "unknown_token"),
        *("missing_price", "client_order_id_required", "request_expired", "trading_halted", "trading_reducing"),
        *("pair_not_allowed", "price_outside_band", "order_too_large", "open_orders_exceeded", "notional_exceeded"),
        *("rates_unavailable", "price_unavailable", "chain_unknown", "log_behind", "log_unavailable"),
        "outcome_unknown",
    ),
    200: ResponseSpec(
        OrderView,
        generate_examples=False,
        description="With `Prefer: wait=5`: the order, which has ended by now.",
        examples=[recorded_answer("getOrder")],
    ),
}
IdempotencyKey = Annotated[
    str | None, HeaderParameter(name=IDEMPOTENCY_KEY, description="Another name for the body's clientOrderId.")
]
ExpiresAfter = Annotated[
    str | None,
    HeaderParameter(name=EXPIRES_AFTER, description="Until when it may be taken, as `2030-01-01T00:00:00Z`."),
]
Prefer = Annotated[
    str | None,
    HeaderParameter(name="Prefer", description="`wait=5`: answer with the order once it has ended, after 5 s at most."),
]
ANSWER = "Recorded. Repeated with the same clientOrderId, the same answer byte for byte."


def submission(asked: OrderTerms, config: ApiConfig, network: str, now: datetime) -> SubmitOrder:
    """The command for the terms a client asked for: only an order that waits for no price gets a deadline."""
    deadline = now + config.order_deadline if asked.starts_at_once else None
    return SubmitOrder(asked, deadline, network, paper=config.paper)


class SubmitController(Controller):
    path = "/api/orders"
    tags = ("orders",)
    opt = TRADE

    @post(
        "/execute",
        status_code=202,
        request_max_body_size=BODY_LIMIT,
        operation_class=ExecuteOperation,
        operation_id="executeOrder",
        response_headers=(ETAG,),
        summary="Submit an order",
        response_description=ANSWER,
        responses=RESPONSES,
    )
    async def execute_order(
        self,
        request: Request[Any, Any, Any],
        services: InjectedServices,
        caller: InjectedCaller,
        idempotency_key: IdempotencyKey = None,
        expires: ExpiresAfter = None,
        prefer: Prefer = None,
    ) -> Response[AcceptedOrder]:
        """Record an order and begin to execute it: the same as `POST /api/orders`.

        With a `clientOrderId` it is safe to repeat: the same terms get the same answer, other terms 409.
        """
        return await answered(request, services, caller, idempotency_key, expires, prefer)


async def answered(
    request: Request[Any, Any, Any],
    services: Services,
    caller: Caller,
    idempotency_key: str | None,
    expires: str | None,
    prefer: str | None,
) -> Response[AcceptedOrder]:
    """The answer to a submitted order: the first one; or the order, where the client waits and it ends."""
    document = read(await request.body(), media_type(request.headers))
    named, headers = with_idempotency_key(document, idempotency_key), dict[str, str]()
    with in_its_words(document, idempotency_key):
        body = await submitted(services, caller, named, expires_after(expires), headers)
    # The answer is of the order as it was taken, however often it is repeated.
    headers |= {"Location": body.links.order, **etag(1)}
    if (seconds := preferred_wait(prefer)) is None:
        return JsonAnswer(body, headers=headers)
    headers["Preference-Applied"] = f"wait={seconds}"
    ended = None
    if seconds:
        ended = await ended_within(services, caller, body.order_id, seconds, request.receive)
    if ended is None:
        return JsonAnswer(body, headers=headers)
    headers |= etag(ended.version)
    return cast(Response[AcceptedOrder], Response(ended, status_code=200, headers=headers))


async def submitted(
    services: Services,
    caller: Caller,
    document: Document,
    expires: datetime | None = None,
    headers: dict[str, str] | None = None,
) -> AcceptedOrder:
    """Record the order that a client asks for; its first answer. ``headers`` gets what goes with it.

    Raises what ``problem_of`` knows an answer to.
    """
    config = services.config
    asked = terms(order_request(document, config.tokens), config)
    command = submission(asked, config, services.chain().tradable_network(), services.clock())
    # Read here, while nothing is recorded: the answer needs them.
    await services.epochs()
    as_id = await require_open(services, caller, asked, expires, {} if headers is None else headers)
    executed = None
    if asked.client_order_id is not None:
        executed = await services.executed_elsewhere(caller.account_id, as_id)
    if executed:
        # Whatever is asked for now, the chain shows a real order.
        command = replace(command, paper=False)
    try:
        accepted = await submit_order(services.orders, caller.account_id, command, executed, as_id=as_id)
        return accepted_order(accepted, await epochs_after(services, accepted.order_id))
    except SubmissionUnknownError as unknown:
        where = links(unknown.order_id).model_dump(by_alias=True)
        raise outcome_unknown(unknown, where, repeatable=command.terms.client_order_id is not None) from unknown
