"""One WebSocket on an order: what it asks for, its one writer, and why it is closed.

A socket that has nothing to send has no task but the server's own, which reads it. Its queue is the order's messages
in memory, which all sockets of the order share; it has a place in them.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from litestar.datastructures import MultiDict
from litestar.exceptions import WebSocketDisconnect

from api.callers.caller import Caller
from api.callers.watch import watched
from api.errors import ProblemError, StreamRefusedError
from api.orders.document import shown
from api.orders.lookup import is_order_of, parse_order_id
from api.services import Services
from api.sockets import KEY_ENDED, Close, Sending, Socket, Subject, close, close_after, read_until_gone, send_text
from projections.errors import OrderUnknownError, VersionAheadError
from projections.followed_order import Follower
from projections.history import fold_recorded, step
from projections.order_messages import order_message

_FLAGS = {"true": True, "1": True, "false": False, "0": False}

ORDER = Subject("order", "connect again with after=")
ENDED = Close(1000, "the order has ended")
LOST = Close(4410, "the log was put back and has lost that sequence; connect again without after=")


@dataclass(frozen=True, slots=True)
class Question:
    order_id: UUID
    after: int
    events: bool


def question(order_id: str, query: MultiDict[str]) -> Question:
    """What a client asks for; raises ``StreamRefusedError``."""
    if unknown := [name for name in query if name not in ("after", "events")]:
        raise StreamRefusedError(4400, f"a stream takes after and events, not {shown(unknown[0])}")
    if twice := [name for name in query if len(query.getall(name)) > 1]:
        raise StreamRefusedError(4400, f"{twice[0]} is there twice: one of them is meant")
    after, events = query.get("after", "0"), query.get("events", "false").lower()
    if not (after.isascii() and after.isdigit() and len(after) <= 9):
        raise StreamRefusedError(4400, "after is a sequence, 0 or more")
    if events not in _FLAGS:
        raise StreamRefusedError(4400, "events is true or false")
    try:
        return Question(parse_order_id(order_id), int(after), _FLAGS[events])
    except ProblemError as problem:
        raise StreamRefusedError(4400, problem.detail) from None


class Delivery:
    """Sends an accepted socket the messages of its order, and closes it where they end."""

    __slots__ = ("_caller", "_ending", "_follower", "_reading", "_services", "_socket", "_writer")

    def __init__(self, services: Services, caller: Caller, socket: Socket) -> None:
        self._services = services
        self._caller = caller
        self._socket = socket
        self._follower: Follower | None = None
        self._reading = asyncio.timeout(None)
        self._writer: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    async def run(self, order_id: str) -> None:
        """Until the socket is closed, by whomever. What the client says is read, so that its close is, and ignored."""
        try:
            self._writer = asyncio.create_task(self._write(partial(self._begin, order_id)))
            with contextlib.suppress(TimeoutError):
                async with self._reading, watched(self._services, self._caller, self._key_ended):
                    await read_until_gone(self._socket)
        finally:
            for task in filter(None, (self._writer, self._ending)):
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            if self._follower:
                self._services.live.leave(self._follower)
                self._follower = None  # It knows us, too.

    def _wake(self) -> None:
        if self._writer is None and self._ending is None and self._follower:
            self._writer = asyncio.create_task(self._write(partial(self._send_all, self._follower)))

    def _key_ended(self) -> None:
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(KEY_ENDED))

    async def _end(self, why: Close) -> None:
        """Close at once, whatever there was to send."""
        if self._writer:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        await close(self._socket, why)
        self._reading.reschedule(asyncio.get_running_loop().time())

    async def _write(self, send: Sending) -> None:
        """Be the one writer, until there is nothing more to send; the last one closes the socket."""
        # Who is gone in the middle of a message needs no goodbye.
        with contextlib.suppress(OSError, WebSocketDisconnect):
            why = await close_after(send, ORDER)
            if why is None:
                # Nothing was waited for since the last message: the next one finds no writer, and makes one.
                self._writer = None
                return
            await close(self._socket, why)
        self._reading.reschedule(asyncio.get_running_loop().time())

    async def _begin(self, order_id: str) -> Close | None:
        asked = question(order_id, self._socket.query_params)
        if asked.after and (await self._services.epochs()).current > 1 and (state := await self._lost(asked)):
            await send_text(self._socket, state)
            return LOST
        try:
            self._follower = await self._services.live.follow(
                asked.order_id, self._caller.account_id, after=asked.after, events=asked.events, wake=self._wake
            )
        except VersionAheadError as ahead:
            raise StreamRefusedError(4400, f"the order is at sequence {ahead.newest}") from None
        except OrderUnknownError:
            raise StreamRefusedError(4404, "there is no such order") from None
        return await self._send_all(self._follower)

    async def _lost(self, asked: Question) -> str | None:
        """The order's state, where the log has lost the sequence that ``asked`` goes on after; None where it hasn't."""
        recorded = await self._services.events.load(asked.order_id)
        if not is_order_of(self._services, self._caller, recorded) or asked.after <= recorded[-1].version:
            return None
        mapper = self._services.mapper
        event, state = step(mapper, fold_recorded(mapper, recorded[:-1]), recorded[-1])
        return order_message(None, state, event, events=asked.events).text

    async def _send_all(self, follower: Follower) -> Close | None:
        while (text := follower.next()) is not None:
            await send_text(self._socket, text)
        return ENDED if follower.order.ended else None
