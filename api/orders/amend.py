"""PATCH /api/orders/{id}: other terms for an order that waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from litestar.openapi.spec import Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from api.callers.caller import Caller
from api.comparison_patience import once_compared
from api.errors import ProblemError
from api.openapi import BodyOperation, an_object, or_null, problems
from api.orders import fields
from api.orders.amend_limits import reserved
from api.orders.document import Document, read, shown
from api.orders.gate import trading_refusal
from api.orders.lookup import order_problem
from api.orders.precondition import IF_MATCH
from api.problems import repeatable
from api.services import Services
from commands.amend import VersionConflictError, amendment
from commands.cancel import order_of
from commands.ids import uuid7
from commands.orders import MOST_CONFLICTS
from domain.commands import AmendOrder
from domain.errors import DomainError
from domain.numbers import BPS
from domain.order import Order
from domain.tokens import Token
from event_store.errors import OutcomeUnknownError

_FIELDS = ("limitPrice", "stopPrice", "amountIn", "amountOut", "slippageBps", "expiresAt")
_NUMBER = Schema(one_of=[Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.NUMBER)])


@dataclass
class AmendOperation(BodyOperation):
    """What is absent stays, and `null` is as if it were absent."""

    body: ClassVar[Schema] = an_object(
        "AmendRequest",
        [],
        limitPrice=or_null(_NUMBER),
        stopPrice=or_null(_NUMBER),
        amountIn=or_null(_NUMBER),
        amountOut=or_null(_NUMBER),
        slippageBps=or_null(Schema(type=OpenAPIType.INTEGER, minimum=0, maximum=BPS)),
        expiresAt=or_null(Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME)),
    )
    example: ClassVar[Any] = {"limitPrice": "153", "amountIn": "0.5"}


RESPONSES = problems(
    *("invalid_order_id", "invalid_json", "unsupported_media_type", "unknown_field", "missing_field"),
    *("order_not_found", "not_amendable", "version_conflict", "precondition_required", "order_unreadable"),
    *("trading_halted", "price_outside_band", "notional_exceeded", "price_unavailable"),
    *("log_behind", "history_not_compared", "log_unavailable", "outcome_unknown"),
)


async def amend(
    services: Services, caller: Caller, order_id: UUID, body: bytes, content_type: str | None, version: int
) -> None:
    """Record the terms in ``body``, of the order at ``version``. Raises what ``problem_of`` knows an answer to."""
    document = _document(body, content_type)
    try:
        await once_compared(
            services.compared, caller.account_id, lambda: _amend(services, caller, order_id, document, version)
        )
    except VersionConflictError as stale:
        raise ProblemError(412, "version_conflict", stale.detail, field=IF_MATCH, version=stale.version) from None
    except DomainError as refused:
        if refused.code == "not_amendable":
            raise ProblemError(409, "not_amendable", refused.detail, field=refused.field) from None
        raise await order_problem(services, caller, refused) from None
    except OutcomeUnknownError:
        raise repeatable(order_id) from None


def _document(body: bytes, content_type: str | None) -> Document:
    document = {name: value for name, value in read(body, content_type).items() if value is not None}
    for name in document:
        if name not in _FIELDS:
            raise fields.invalid("unknown_field", f"An amendment has no field {shown(name)}.", shown(name))
    if not document:
        raise fields.invalid("missing_field", f"Say what changes: {', '.join(_FIELDS)}.", "limitPrice")
    return document


def _command(document: Document, order: Order, now: datetime) -> AmendOrder:
    def price(name: str) -> Any:
        return fields.price(document[name], name) if name in document else None

    def amount(name: str, token: Token) -> int | None:
        return fields.amount(document[name], token, name) if name in document else None

    return AmendOrder(
        now=now,
        limit_price=price("limitPrice"),
        stop_price=price("stopPrice"),
        amount_in=amount("amountIn", order.token_in),
        amount_out=amount("amountOut", order.token_out),
        slippage_bps=fields.slippage_bps(document["slippageBps"], "slippageBps") if "slippageBps" in document else None,
        expires_at=fields.expires_at(document["expiresAt"], order.time_in_force, "expiresAt")
        if "expiresAt" in document
        else None,
    )


async def _amend(services: Services, caller: Caller, order_id: UUID, document: Document, version: int) -> None:
    """Record what is asked, once the order and its account's limits allow it. Raises what is refused."""
    for _ in range(MOST_CONFLICTS):
        history = await order_of(services.orders, order_id, caller.account_id)
        assert history.order is not None  # noqa: S101 - order_of has found it
        command, command_id = _command(document, history.order, services.clock()), uuid7()
        amends = amendment(history, command, version)
        if amends is None:
            return
        if not amends.falls and (refusal := trading_refusal(await services.trading(caller.account_id), amends.order)):
            raise refusal
        async with reserved(services, caller, history, amends, command_id) as recorded:
            if await services.record_amendment(history, command, command_id):
                recorded()
                return
    raise DomainError("not_amendable", "The order moves too fast to be amended.")
