"""GET /ws/orders/{id}: an order's changes, live or long after, each once and in order.

A message for every version at which the status changed, or with ``events=true`` for every version. ``sequence`` is the
event's version, and ``after`` takes it. Everything a message says follows from the log alone, so that any number of
sockets, at any time, get the same.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import structlog
from litestar import Controller, WebSocket, get, websocket
from litestar.exceptions import WebSocketDisconnect

from api.errors import ProblemError, StreamRefusedError
from api.metrics import STREAMS, STREAMS_CLOSED
from api.openapi import DocumentedOperation, problems
from api.orders.lookup import parse_order_id, stream_of
from api.orders.read import OrderId
from api.services import InjectedServices, Services
from domain.events import OrderEvent
from event_store.errors import TRANSIENT_DATABASE_ERRORS, UnreadableEventError
from event_store.mapper import EventMapper
from event_store.types import PositionedEvent
from projections.errors import FeedStoppedError, SlowConsumerError
from projections.history import OrderState, step
from projections.order_view import dex, executed_price, tx_hash

log = structlog.get_logger(__name__)

Socket = WebSocket[Any, Any, Any]

SEND_PATIENCE = 10.0
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Close:
    code: int
    reason: str


ENDED = Close(1000, "the order has ended")
BROKEN = Close(1011, "this order can't be read")
RESTARTING = Close(1012, "not now; connect again with after=")
TOO_SLOW = Close(4408, "too slow; connect again with after=")


@dataclass(frozen=True, slots=True)
class Question:
    order_id: UUID
    after: int
    events: bool


def message(before: OrderState | None, now: OrderState, event: OrderEvent, *, events: bool) -> dict[str, Any] | None:
    """What a socket is told of ``event``, which led from ``before`` to ``now``; None where it isn't."""
    order = now.order
    if not events and before and before.order.status == order.status:
        return None
    said: dict[str, Any] = {
        "orderId": str(now.order_id),
        "sequence": now.version,
        "status": order.status,
        "timestamp": int(now.updated_at.timestamp() * 1000),
        "dex": dex(order),
        "txHash": tx_hash(order),
        "executedPrice": executed_price(order),
        "network": order.network,
        "failure": order.failure.model_dump() if order.failure else None,
    }
    if events:
        said |= {"type": type(event).__name__, "data": event.public()}
    return {name: value for name, value in said.items() if value is not None}


def question(order_id: str, query: Mapping[str, str]) -> Question:
    """What a client asks for; raises ``StreamRefusedError``."""
    after, events = query.get("after", "0"), query.get("events", "false").lower()
    if not (after.isascii() and after.isdigit() and len(after) <= 9):
        raise StreamRefusedError(4400, "after is a sequence, 0 or more")
    if events not in _FLAGS:
        raise StreamRefusedError(4400, "events is true or false")
    try:
        return Question(parse_order_id(order_id), int(after), _FLAGS[events])
    except ProblemError as problem:
        raise StreamRefusedError(4400, problem.detail) from None


class StreamsController(Controller):
    path = "/ws/orders"
    tags = ("orders",)

    @websocket("/{order_id:str}")
    async def stream(self, socket: Socket, services: InjectedServices, order_id: OrderId) -> None:
        # Accepted whatever it asks: only an open socket can be told a close code.
        await socket.accept()
        with STREAMS.track_inprogress():
            close = await _until_gone(socket, _deliver(services, socket, order_id))
        if close:
            STREAMS_CLOSED.labels(close.code).inc()
            # Who is gone meanwhile, or reads nothing at all, needs no goodbye.
            with contextlib.suppress(OSError, WebSocketDisconnect):
                await asyncio.wait_for(socket.close(close.code, close.reason), SEND_PATIENCE)

    @get(
        "/{order_id:str}",
        operation_class=DocumentedOperation,
        operation_id="streamOrder",
        summary="An order's changes, by WebSocket",
        status_code=101,
        responses=problems("bad_request", "upgrade_required"),
        response_description="Switching to WebSocket.",
    )
    async def upgrade(self, order_id: OrderId) -> None:
        """One message for each change of status; `after` resumes after a sequence, `events=true` sends every event.

        A request that isn't a WebSocket's, as one from this page, is answered 426.
        """
        headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
        raise ProblemError(426, "upgrade_required", "This path speaks WebSocket.", headers=headers)


async def _deliver(services: Services, socket: Socket, order_id: str) -> Close:
    try:
        asked = question(order_id, socket.query_params)
        async with services.live.subscribe(asked.order_id) as subscription:
            recorded = await _history(services, asked)
            stream = _OrderStream(socket, services.mapper, asked)
            for one in recorded:
                await stream.send(one)
            if stream.ended:
                return ENDED
            if asked.after > recorded[-1].version:
                raise StreamRefusedError(4400, f"the order is at sequence {recorded[-1].version}")
            async for event in subscription.above(recorded[-1].version):
                await stream.send(event)
                if stream.ended:
                    return ENDED
            raise FeedStoppedError
    except StreamRefusedError as refused:
        return Close(refused.code, refused.reason)
    except UnreadableEventError as unreadable:
        log.error("order can't be read", order_id=order_id, error=str(unreadable))
        return BROKEN
    except ProblemError:
        return Close(4404, "there is no such order")
    except (SlowConsumerError, TimeoutError):
        return TOO_SLOW
    except (FeedStoppedError, *TRANSIENT_DATABASE_ERRORS) as error:
        log.warning("stream interrupted", error=type(error).__name__)
        return RESTARTING


async def _history(services: Services, asked: Question) -> Sequence[PositionedEvent]:
    """The order's events, from memory where they are recent. What follows them comes by the subscription."""
    recent = services.live.recent(asked.order_id)
    if recent and recent[0].account_id == services.config.account_id and recent[-1].version >= asked.after:
        return recent
    return await stream_of(services, asked.order_id)


class _OrderStream:
    """One socket's fold of its order: state by state, told from ``after`` on."""

    def __init__(self, socket: Socket, mapper: EventMapper, asked: Question) -> None:
        self._socket = socket
        self._mapper = mapper
        self._asked = asked
        self._state: OrderState | None = None

    @property
    def ended(self) -> bool:
        return self._state is not None and self._state.order.ended

    async def send(self, recorded: PositionedEvent) -> None:
        before = self._state
        event, self._state = step(self._mapper, before, recorded)
        if recorded.version <= self._asked.after:
            return
        said = message(before, self._state, event, events=self._asked.events)
        if said:
            text = msgspec.json.encode(said).decode()
            await asyncio.wait_for(self._socket.send_text(text), SEND_PATIENCE)


async def _until_gone(socket: Socket, delivering: Any) -> Close | None:
    """What delivery ends with, or None when the client, or this process, closed the socket first."""
    delivery: asyncio.Task[Close] = asyncio.ensure_future(delivering)
    gone = asyncio.ensure_future(_gone(socket))
    try:
        await asyncio.wait({delivery, gone}, return_when=asyncio.FIRST_COMPLETED)
        return await delivery if delivery.done() else None
    except (OSError, WebSocketDisconnect):
        # The client left in the middle of a message.
        return None
    except Exception as error:
        log.error("stream failed", exc_info=error)
        return BROKEN
    finally:
        for task in (delivery, gone):
            task.cancel()
        await asyncio.gather(delivery, gone, return_exceptions=True)


async def _gone(socket: Socket) -> None:
    """Returns when the client leaves. What it says is read, so that its close is, and ignored."""
    try:
        while True:
            await socket.receive_data(mode="text")
    except WebSocketDisconnect:
        return
