"""GET /ws/order-lists/{id}: how a TWAP goes on. Its progress at once, and again after each change, until it is over.

A message is what ``GET /api/order-lists/{id}`` answers, and says all there is: who was away has missed nothing, and who
is slow gets the newest.
"""

from __future__ import annotations

import asyncio
from functools import partial

from litestar import Controller, get, websocket

from api.callers.caller import Caller, InjectedCaller
from api.callers.rules import READ
from api.callers.watch import watched
from api.errors import ProblemError, StreamRefusedError
from api.openapi import DocumentedOperation, problems
from api.order_lists.lookup import TwapId, parse_list_id
from api.order_lists.twap_progress import is_over, outcomes, twap_view
from api.services import InjectedServices, Services
from api.sockets import (
    KEY_ENDED,
    Close,
    Socket,
    Subject,
    accepted,
    close,
    close_after,
    read_until_gone,
    send_text,
    upgrade_required,
)
from domain.errors import DomainError
from domain.twap import Twap

LIST = Subject("list", "connect again")
ENDED = Close(1000, "the list is over")


class TwapStreamController(Controller):
    path = "/ws/order-lists"
    tags = ("lists",)
    opt = READ

    @websocket("/{list_id:str}")
    async def stream(self, socket: Socket, services: InjectedServices, caller: InjectedCaller, list_id: TwapId) -> None:
        async with accepted(socket):
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
        raise upgrade_required()


async def _deliver(services: Services, caller: Caller, socket: Socket, list_id: str) -> None:
    """Until the socket is closed, by whomever."""
    key_ended = asyncio.Event()
    sending = partial(_send_until_over, services, caller, socket, list_id)
    tasks = [
        asyncio.create_task(close_after(sending, LIST)),
        asyncio.create_task(read_until_gone(socket)),
        asyncio.create_task(key_ended.wait()),
    ]
    try:
        async with watched(services, caller, key_ended.set):
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        sent, gone, *_ = await asyncio.gather(*tasks, return_exceptions=True)
    why = KEY_ENDED if key_ended.is_set() else sent
    if isinstance(why, Close) and gone is not None:
        await close(socket, why)


async def _send_until_over(services: Services, caller: Caller, socket: Socket, asked: str) -> Close:
    if socket.query_params:
        raise StreamRefusedError(4400, "this stream takes no query parameter")
    twap = await _asked(services, caller, asked)
    list_id = twap.list_id
    # Watched before it is read: what comes in between is read again.
    with services.stream_changes.watch([list_id, *twap.order_ids]) as changed:
        found = await outcomes(services.orders, twap.order_ids)
        sent = ""
        while True:
            twap = await services.twaps.owned(list_id, caller.account_id)
            text = twap_view(twap, found).model_dump_json(by_alias=True)
            if text != sent:
                await send_text(socket, text)
                sent = text
            if is_over(twap, found):
                return ENDED
            found |= await outcomes(services.orders, [one for one in await changed.next() if one != list_id])


async def _asked(services: Services, caller: Caller, list_id: str) -> Twap:
    """Raises ``StreamRefusedError``."""
    try:
        return await services.twaps.owned(parse_list_id(list_id), caller.account_id)
    except ProblemError as problem:
        raise StreamRefusedError(4400, problem.detail) from None
    except DomainError:
        raise StreamRefusedError(4404, "there is no such list that is a TWAP") from None
