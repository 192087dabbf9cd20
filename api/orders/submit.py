"""POST /api/orders/execute."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Controller, Request, Response, post

from api.callers.caller import Caller, InjectedCaller
from api.callers.rules import TRADE
from api.config import ApiConfig
from api.openapi import problems
from api.orders.answers import AcceptedOrder, accepted_order, links
from api.orders.document import BODY_LIMIT, Document, read
from api.orders.openapi import ExecuteOperation
from api.orders.request import order_request
from api.orders.terms import terms
from api.problems import log_behind, outcome_unknown
from api.services import InjectedServices, Services
from commands.errors import SubmissionUnknownError
from commands.ids import order_id
from commands.submit import submit_order
from domain.commands import SubmitOrder
from domain.terms import OrderTerms


def submission(asked: OrderTerms, config: ApiConfig, network: str, now: datetime) -> SubmitOrder:
    """The command for the terms a client asked for: only a market order gets a deadline."""
    deadline = now + config.order_deadline if asked.type == "market" else None
    return SubmitOrder(asked, deadline, network)


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
        summary="Submit an order",
        response_description="Recorded. Repeated with the same clientOrderId, the same answer byte for byte.",
        responses=problems(
            "invalid_json",
            "client_order_id_conflict",
            "body_too_large",
            "unsupported_media_type",
            "unknown_token",
            "missing_price",
            "chain_unknown",
            "log_behind",
            "log_unavailable",
            "outcome_unknown",
        ),
    )
    async def execute_order(
        self, request: Request[Any, Any, Any], services: InjectedServices, caller: InjectedCaller
    ) -> Response[AcceptedOrder]:
        """Record an order and begin to execute it.

        With a `clientOrderId` it is safe to repeat: the same terms get the same answer, other terms 409.
        """
        body = await submitted(services, caller, read(await request.body(), request.headers.get("content-type")))
        return Response(body, headers={"Location": body.links.order})


async def submitted(services: Services, caller: Caller, document: Document) -> AcceptedOrder:
    """Record the order that a client asks for; its first answer. Raises what ``problem_of`` knows an answer to."""
    config = services.config
    asked = terms(order_request(document, config.tokens), config)
    if asked.client_order_id is None and (trading := await services.trading(caller.account_id)).behind:
        raise log_behind(trading)
    command = submission(asked, config, services.chain().tradable_network(), services.clock())
    executed = None
    if asked.client_order_id is not None:
        executed = await services.executed_elsewhere(
            caller.account_id, order_id(caller.account_id, asked.client_order_id)
        )
    try:
        accepted = await submit_order(services.orders, caller.account_id, command, executed)
    except SubmissionUnknownError as unknown:
        where = links(unknown.order_id).model_dump(by_alias=True)
        raise outcome_unknown(unknown, where, repeatable=command.terms.client_order_id is not None) from unknown
    return accepted_order(accepted, await services.epochs())
