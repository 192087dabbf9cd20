"""One order as its client sees it: posted at its instant, watched on a socket of its own until it has ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import orjson

from bench.client.http import HttpPool, post
from bench.client.websocket import Socket
from bench.subject import EXECUTE

FINAL = ("confirmed", "failed")
_GIVEN_UP_AFTER_S = 30.0


@dataclass(slots=True)
class Followed:
    """Instants are of the loop's clock. ``refused``: the answer's status, where it wasn't accepted."""

    intended: float
    order_id: str = ""
    acked: float = 0.0
    ended: float = 0.0
    refused: int = 0
    statuses: list[str] = field(default_factory=list)

    @property
    def confirmed(self) -> bool:
        return self.statuses[-1:] == ["confirmed"]


class Follower:
    """Posts to ``port``; each order has a connection that is free, and a new socket."""

    def __init__(self, port: int, body: bytes) -> None:
        self._port = port
        self._pool = HttpPool(port)
        self._request = post(port, EXECUTE, body)
        self._clock = asyncio.get_running_loop().time

    async def follow(self, intended: float) -> Followed:
        order = Followed(intended)
        answer = await self._pool.request(self._request)
        order.acked = self._clock()
        if answer.status not in (200, 202):
            order.refused = answer.status
            return order
        order.order_id = orjson.loads(answer.body)["orderId"]
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def hear(text: bytes) -> None:
            status = orjson.loads(text)["status"]
            # The peer says the present status when a socket is opened, and may say it again.
            if status not in order.statuses[-1:]:
                order.statuses.append(status)
            if status in FINAL and not end.done():
                order.ended = self._clock()
                end.set_result(None)

        def stop(_: object = None) -> None:
            if not end.done():
                end.set_result(None)

        socket = await Socket.to(self._port, f"/ws/orders/{order.order_id}", hear)
        socket.closed.add_done_callback(stop)
        timer = asyncio.get_running_loop().call_later(_GIVEN_UP_AFTER_S, stop)
        await end
        timer.cancel()
        socket.close()
        return order

    def close(self) -> None:
        self._pool.close()
