"""Cancelling orders: one, or many by their ids, by the client's own, on a pair, or all that the account has open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Container, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from litestar import Controller, Request, Response, post
from litestar.openapi.spec import Schema
from litestar.openapi.spec.enums import OpenAPIType
from pydantic import Field

from api.callers.caller import Caller, InjectedCaller
from api.callers.rules import TRADE
from api.comparison_patience import once_compared, until_compared
from api.openapi import BodyOperation, DocumentedOperation, an_object, problems
from api.orders.cancel_request import CancelRequest, read_cancel_request
from api.orders.document import BODY_LIMIT, media_type
from api.orders.headers import ETAG, etag
from api.orders.lookup import order_problem, parse_order_id
from api.orders.read import OrderId
from api.problems import ProblemDetails, problem_of, repeatable, unreadable
from api.services import InjectedServices, Services
from commands.cancel import CancelOutcome, cancel_outcome, order_of
from commands.loaded_order import LoadedOrder
from commands.twap.lists import EndedLists
from domain.codes import Code
from domain.errors import DomainError
from domain.events import Status
from domain.legs import Leg, ended_with
from domain.order import Order
from event_store.errors import OutcomeUnknownError
from projections.order_view import IfKnown, View

# So many cancels are under way for one request: they share their appends.
AT_ONCE = 300
T = TypeVar("T")


class CancelAnswer(View):
    """What became of one order: ``cancelled``, it never swaps; ``tooLate``, it has ended otherwise, as ``status`` says;
    ``pending``, its cancel is recorded and goes to the chain, where whichever lands first decides.
    """

    order_id: UUID
    outcome: CancelOutcome
    status: Status
    also_ends: IfKnown[list[UUID]] = Field(
        default=None, description="Of an order of a list: the others of it that end with it, by the same cancel."
    )


class CancelItem(View):
    """The answer for one order of many, or ``problem`` where it can't be told."""

    order_id: IfKnown[str] = None
    client_order_id: IfKnown[str] = None
    outcome: IfKnown[CancelOutcome] = None
    status: IfKnown[Status] = None
    also_ends: IfKnown[list[UUID]] = None
    problem: IfKnown[ProblemDetails] = None


class CancelledOrders(View):
    items: list[CancelItem] = Field(description="In the order of the request; for a pair or for all the oldest first.")
    list_ids: IfKnown[list[UUID]] = Field(
        default=None, description="For a pair or for all: the TWAPs that were ended; no slice of them follows."
    )


@dataclass
class CancelOrdersOperation(BodyOperation):
    """One of four fields says which orders."""

    body: ClassVar[Schema] = an_object(
        "CancelRequest",
        [],
        ids=Schema(
            type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.STRING), min_items=1, max_items=100
        ),
        clientOrderIds=Schema(
            type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.STRING), min_items=1, max_items=100
        ),
        pair=Schema(type=OpenAPIType.STRING, description="What is open on it, as `SOL/USDC`."),
        all=Schema(type=OpenAPIType.BOOLEAN, description="`true`: whatever the account has open."),
    )  # fmt: skip
    example: ClassVar[Any] = {"pair": "SOL/USDC"}


class CancelController(Controller):
    path = "/api/orders"
    tags = ("orders",)
    opt = TRADE

    @post(
        "/{order_id:str}/cancel",
        status_code=202,
        operation_class=DocumentedOperation,
        operation_id="cancelOrder",
        response_headers=(ETAG,),
        summary="Cancel an order",
        response_description="What has become of it by now.",
        responses=problems(
            *("invalid_order_id", "order_not_found", "order_unreadable"),
            *("log_behind", "history_not_compared", "log_unavailable", "outcome_unknown"),
        ),
    )
    async def cancel_order(
        self, services: InjectedServices, caller: InjectedCaller, order_id: OrderId
    ) -> Response[CancelAnswer]:
        """At once where it waits, or where nothing that was signed for it may land. Else its cancel goes to the chain:
        the order, and its stream, then say what came of it, `cancelled` or, where the swap was first, `confirmed`.

        Safe to repeat, and allowed while trading is halted.
        """  # fmt: skip
        asked = parse_order_id(order_id)
        history = await once_compared(services.compared, caller.account_id, lambda: cancelled(services, caller, asked))
        return Response(await cancel_answer(services, history), status_code=202, headers=etag(history.revision))

    @post(
        "/cancel",
        status_code=207,
        request_max_body_size=BODY_LIMIT,
        operation_class=CancelOrdersOperation,
        operation_id="cancelOrders",
        summary="Cancel many orders",
        response_description="An answer for each order.",
        responses=problems(
            *("invalid_json", "unsupported_media_type", "unknown_field", "missing_field", "conflicting_fields"),
            *("invalid_field", "batch_size", "unknown_pair", "log_unavailable", "outcome_unknown"),
        ),
    )
    async def cancel_orders(
        self, request: Request[Any, Any, Any], services: InjectedServices, caller: InjectedCaller
    ) -> Response[CancelledOrders]:
        """By `ids` or `clientOrderIds`, up to 100, by `pair`, or `all`; each as if it were cancelled alone.

        Of a pair and of all: every order that was taken before this was asked and has not ended, and every TWAP there:
        no slice of it follows.
        """
        asked = read_cancel_request(services, await request.body(), media_type(request.headers))
        await until_compared(services.compared, caller.account_id)
        return Response(await cancelled_orders(services, caller, asked))


async def cancelled_orders(services: Services, caller: Caller, asked: CancelRequest) -> CancelledOrders:
    """An answer for each order that is named, or that is open where none is."""
    if asked.named is not None:
        named = await _in_turn([_item(services, caller, asked, name) for name in asked.named])
        return CancelledOrders(items=named)
    # First: what lists have submitted by then is among the open orders.
    refused, lists = await _lists_ended(services, caller, asked)
    open_orders = lists.to_cancel(await services.order_list.open(caller.account_id))
    were_open = frozenset(lists.were_open)
    items = await _in_turn([_open_item(services, caller, asked, order_id, were_open) for order_id in open_orders])
    found = [*refused, *(item for item in items if item is not None)]
    return CancelledOrders(items=found, list_ids=lists.ended or None)


async def _lists_ended(services: Services, caller: Caller, asked: CancelRequest) -> tuple[list[CancelItem], EndedLists]:
    """What kept lists from being ended, and those that were."""
    try:
        lists = await services.twaps.cancel_all(
            caller.account_id,
            open_orders=services.order_list.open,
            by=caller.shown,
            because=None,
            now=services.clock(),
            pair=asked.pair,
        )
    except OutcomeUnknownError:
        raise repeatable() from None
    except DomainError as refused:
        problem = await order_problem(services, caller, refused)
        return [CancelItem(problem=_problem(problem))], EndedLists([], [], [])
    return [CancelItem(problem=_problem(unreadable(f"list {list_id}"))) for list_id in lists.unreadable], lists


async def _in_turn(cancels: Sequence[Awaitable[T]]) -> list[T]:
    found: list[T] = []
    for start in range(0, len(cancels), AT_ONCE):
        found += await asyncio.gather(*cancels[start : start + AT_ONCE])
    return found


async def _item(services: Services, caller: Caller, asked: CancelRequest, name: Any) -> CancelItem:
    called = asked.said_of(name)
    try:
        history = await cancelled(services, caller, asked.order_id(caller.account_id, name))
        outcome = await _outcome(services, history)
        return CancelItem.model_validate({**called, "order_id": str(history.order_id), **outcome})
    except Exception as error:  # noqa: BLE001 - one order's refusal is its own; what is unforeseen is logged there
        return CancelItem.model_validate({**called, "problem": _problem(error)})


async def _open_item(
    services: Services, caller: Caller, asked: CancelRequest, order_id: UUID, were_open: Container[UUID]
) -> CancelItem | None:
    """None of an order that isn't one of those asked for: of another pair, or ended before it was asked."""
    try:
        order = (await order_of(services.orders, order_id)).order
        if order is None or (asked.pair is not None and order.pair.symbol != asked.pair.symbol):
            return None
        if order.ended and order_id not in were_open:
            return None
        history = await cancelled(services, caller, order_id)
        return CancelItem.model_validate({"order_id": str(order_id), **await _outcome(services, history)})
    except Exception as error:  # noqa: BLE001 - as above
        return CancelItem(order_id=str(order_id), problem=_problem(error))


def _problem(error: Exception) -> ProblemDetails:
    return ProblemDetails.model_validate(problem_of(error).body())


async def cancel_answer(services: Services, history: LoadedOrder) -> CancelAnswer:
    """What became of the order, whose cancel was asked for. Raises ``LogUnavailableError``."""
    return CancelAnswer(order_id=history.order_id, **await _outcome(services, history))


async def _outcome(services: Services, history: LoadedOrder) -> dict[str, Any]:
    assert history.order is not None  # noqa: S101 - a cancel is asked of an order that is there
    outcome, leg, asked = cancel_outcome(history.order), history.order.leg, history.order.cancellation
    # What another order of the list has ended ends no other.
    is_asked = outcome != "tooLate" and asked is not None and asked.code == Code.CANCELLED
    ends = await _ended_by_it(services, leg) if leg and is_asked else []
    return {"outcome": outcome, "status": history.order.status, "also_ends": ends or None}


async def _ended_by_it(services: Services, leg: Leg) -> list[UUID]:
    """The orders that end with the cancel of ``leg``: not those of its list that had ended otherwise before, and while
    it is pending none that would follow it, for its swap may be first.
    """
    others = ended_with(leg)
    code = Code.OTHER_LEG_ENDED if leg.is_exclusive else Code.FIRST_LEG_NOT_FILLED
    loaded = await services.orders.load(others)
    orders = ((one, loaded.orders[one].order) for one in others if one in loaded.orders)
    return [
        one for one, order in orders if order and ((leg.is_exclusive and not order.ended) or _ended_as(order, code))
    ]


def _ended_as(order: Order, code: Code) -> bool:
    return order.cancellation is not None and order.cancellation.code == code


async def cancelled(services: Services, caller: Caller, order_id: UUID) -> LoadedOrder:
    """The caller's order with its cancel asked for, or as it has ended. Raises ``ProblemError``."""
    try:
        return await services.request_cancel(order_id, account_id=caller.account_id, by=caller.shown, because=None)
    except DomainError as refused:
        raise await order_problem(services, caller, refused) from None
    except OutcomeUnknownError:
        raise repeatable(order_id) from None
