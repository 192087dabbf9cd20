"""GET /ws/order-lists/{id}: how a TWAP goes on. Its progress at once, and again after each change, until it is over.

A message is what ``GET /api/order-lists/{id}`` answers, and says all there is: who was away has missed nothing, and who
is slow gets the newest.
"""

from __future__ import annotations

import asyncio
import contextlib

import structlog
from litestar import Controller, get, websocket
from litestar.exceptions import WebSocketDisconnect

from api.callers.caller import Caller, InjectedCaller
from api.callers.rules import READ
from api.callers.watch import watched
from api.delivery import KEY_ENDED, SEND_PATIENCE, Close, Socket
from api.errors import ProblemError
from api.metrics import STREAMS, STREAMS_CLOSED
from api.openapi import DocumentedOperation, problems
from api.order_lists.lookup import TwapId, parse_list_id
from api.order_lists.twap_progress import is_over, outcomes, twap_view
from api.services import InjectedServices, Services
from domain.errors import DomainError
from event_store.errors import TRANSIENT_DATABASE_ERRORS, UnreadableEventError

log = structlog.get_logger(__name__)

ENDED = Close(1000, "the list is over")
BROKEN = Close(1011, "this list can't be read")
AGAIN = Close(1012, "not now; connect again")
BAD_ID = Close(4400, "a list id looks like 0190f3a4-....")
UNKNOWN = Close(4404, "there is no such list that is a TWAP")
TOO_SLOW = Close(4408, "too slow; connect again")


class TwapStreamController(Controller):
    path = "/ws/order-lists"
    tags = ("lists",)
    opt = READ

    @websocket("/{list_id:str}")
    async def stream(self, socket: Socket, services: InjectedServices, caller: InjectedCaller, list_id: TwapId) -> None:
        # Accepted whatever it asks: only an open socket can be told a close code.
        await socket.accept()
        with STREAMS.track_inprogress():
            await _deliver(services, caller, socket, list_id)

    @get(
        "/{list_id:str}",
        operation_class=DocumentedOperation,
        operation_id="streamList",
        summary="A TWAP's progress, by WebSocket",
        status_code=101,
        responses=problems("bad_request", "upgrade_required"),
        response_description="Switching to WebSocket.",
    )
    async def upgrade(self, list_id: TwapId) -> None:
        """One message at once, as `getList` answers, and one after each change, until the list is over.

        A request that isn't a WebSocket's, as one from this page, is answered 426.
        """
        headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
        raise ProblemError(426, "upgrade_required", "This path speaks WebSocket.", headers=headers)


async def _deliver(services: Services, caller: Caller, socket: Socket, list_id: str) -> None:
    """Until the socket is closed, by whomever. What the client says is read, so that its close is, and ignored."""
    key_ended = asyncio.Event()
    tasks = [
        asyncio.create_task(_send_all(services, caller, socket, list_id)),
        asyncio.create_task(_read(socket)),
        asyncio.create_task(key_ended.wait()),
    ]
    try:
        async with watched(services, caller, key_ended.set):
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        sent, gone, *_ = await asyncio.gather(*tasks, return_exceptions=True)
    close = KEY_ENDED if key_ended.is_set() else sent
    if isinstance(close, Close) and gone is not None:
        STREAMS_CLOSED.labels(close.code).inc()
        with contextlib.suppress(OSError, WebSocketDisconnect, TimeoutError):
            async with asyncio.timeout(SEND_PATIENCE):
                await socket.close(close.code, close.reason)


async def _read(socket: Socket) -> None:
    """Returns once the client is gone."""
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.receive_data(mode="text")


async def _send_all(services: Services, caller: Caller, socket: Socket, list_id: str) -> Close | None:
    """The close that follows; None where the client is gone."""
    try:
        return await _send_until_over(services, caller, socket, list_id)
    except ProblemError:
        return BAD_ID
    except DomainError:
        return UNKNOWN
    except TimeoutError:
        return TOO_SLOW
    except TRANSIENT_DATABASE_ERRORS as error:
        log.warning("stream interrupted", error=type(error).__name__)
        return AGAIN
    except (OSError, WebSocketDisconnect):
        return None
    except UnreadableEventError as unreadable:
        log.error("list can't be read", list_id=list_id, error=str(unreadable))
        return BROKEN


async def _send_until_over(services: Services, caller: Caller, socket: Socket, asked: str) -> Close:
    list_id = parse_list_id(asked)
    twap = await services.twaps.owned(list_id, caller.account_id)
    # Watched before it is read: what comes in between is read again.
    with services.stream_changes.watch([list_id, *twap.order_ids]) as changed:
        found = await outcomes(services.orders, twap.order_ids)
        sent = ""
        while True:
            twap = await services.twaps.owned(list_id, caller.account_id)
            text = twap_view(twap, found).model_dump_json(by_alias=True)
            if text != sent:
                async with asyncio.timeout(SEND_PATIENCE):
                    await socket.send_text(text)
                sent = text
            if is_over(twap, found.values()):
                return ENDED
            found |= await outcomes(services.orders, [one for one in await changed.next() if one != list_id])
