"""POST /api/orders/execute."""

from __future__ import annotations

from datetime import datetime

from litestar import Controller, Response, post

from api.config import ApiConfig
from api.openapi import problems
from api.orders.answers import AcceptedOrder, accepted_order, links
from api.orders.document import Document, read
from api.orders.openapi import ExecuteOperation
from api.orders.request import order_request
from api.orders.terms import terms
from api.problems import log_behind, outcome_unknown
from api.services import Services
from api.serving.concurrency import whole_body
from api.serving.refusal import Application, Message, Receive, Send
from commands.errors import SubmissionUnknownError
from commands.ids import order_id
from commands.submit import submit_order
from domain.commands import SubmitOrder
from domain.terms import OrderTerms


def submission(asked: OrderTerms, config: ApiConfig, network: str, now: datetime) -> SubmitOrder:
    """The command for the terms a client asked for: only a market order gets a deadline."""
    deadline = now + config.order_deadline if asked.type == "market" else None
    return SubmitOrder(asked, deadline, network)


def answered(app: Application) -> Application:
    """Answers in place of ``execute_order``: what Litestar does around any handler costs more than recording an order.

    What it raises Litestar answers, as for any handler.
    """

    async def execute(scope: Message, receive: Receive, send: Send) -> None:
        body = await whole_body(receive)
        if body is None:
            return
        kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"").decode("latin-1")
        answer = await submitted(scope["litestar_app"].state["services"], read(body, kind))
        body = answer.model_dump_json(by_alias=True).encode()
        headers = [
            (b"location", answer.links.order.encode()),
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
        ]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return execute


class SubmitController(Controller):
    path = "/api/orders"
    tags = ("orders",)

    @post(
        "/execute",
        status_code=202,
        middleware=[answered],
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
    async def execute_order(self) -> Response[AcceptedOrder]:
        """Record an order and begin to execute it.

        With a `clientOrderId` it is safe to repeat: the same terms get the same answer, other terms 409.
        """
        raise NotImplementedError("`answered` does")


async def submitted(services: Services, document: Document) -> AcceptedOrder:
    """Record the order that a client asks for; its first answer. Raises what ``problem_of`` knows an answer to."""
    config = services.config
    asked = terms(order_request(document, config.tokens), config)
    if asked.client_order_id is None and (trading := await services.trading()).behind:
        raise log_behind(trading)
    command = submission(asked, config, services.chain().tradable_network(), services.clock())
    executed = None
    if asked.client_order_id is not None:
        executed = await services.executed_elsewhere(order_id(config.account_id, asked.client_order_id))
    try:
        accepted = await submit_order(services.orders, config.account_id, command, executed)
    except SubmissionUnknownError as unknown:
        where = links(unknown.order_id).model_dump(by_alias=True)
        raise outcome_unknown(unknown, where, repeatable=command.terms.client_order_id is not None) from unknown
    return accepted_order(accepted, await services.epochs())
