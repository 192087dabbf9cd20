"""HTTP/1.1 over kept connections, one request at a time on each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, cast

_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_NONE: Mapping[str, str] = MappingProxyType({})


class Answer(NamedTuple):
    status: int
    body: bytes


class ConnectionLost(Exception):
    """The server closed the connection, or said something that isn't an answer."""


def post(port: int, path: str, body: bytes, headers: Mapping[str, str] = _NONE) -> bytes:
    """A whole POST request of a JSON ``body``."""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n{more}\r\n"
    )
    return head.encode() + body


def get(port: int, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode()


def answer_in(received: bytes | bytearray) -> tuple[Answer, int] | None:
    """The answer that ``received`` begins with and how long it is; None while it isn't whole. Raises ConnectionLost."""
    end = received.find(_END)
    if end < 0:
        return None
    head = bytes(received[:end]).lower()
    at = head.find(_LENGTH)
    if at < 0 or not head.startswith(b"http/1.1 "):
        raise ConnectionLost(f"not an answer with a length: {head[:80]!r}")
    length = int(head[at + len(_LENGTH) :].partition(b"\r\n")[0])
    begin = end + len(_END)
    if len(received) < begin + length:
        return None
    return Answer(int(head[9:12]), bytes(received[begin : begin + length])), begin + length


class HttpConnection(asyncio.Protocol):
    """One connection. ``request`` must not be called again before its answer is there."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiting: asyncio.Future[Answer] | None = None
        self.closed = False

    @classmethod
    async def to(cls, port: int) -> HttpConnection:
        _, protocol = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return protocol

    async def request(self, request: bytes) -> Answer:
        """The answer to a whole request. Raises ConnectionLost."""
        if self.closed or self._transport is None:
            raise ConnectionLost("the connection was closed")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so

    def data_received(self, data: bytes) -> None:
        self._received += data
        try:
            found = answer_in(self._received)
        except ConnectionLost as error:
            self._fail(error)
            return
        if found and self._waiting and not self._waiting.done():
            answer, length = found
            del self._received[:length]
            self._waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(ConnectionLost(f"closed by the server: {exc}"))

    def _fail(self, error: ConnectionLost) -> None:
        self.closed = True
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(error)


@dataclass
class HttpPool:
    """As many connections as there are requests under way; a request never waits for a connection to be free."""

    port: int

    def __post_init__(self) -> None:
        self._free: list[HttpConnection] = []

    async def request(self, request: bytes) -> Answer:
        connection = await self._taken()
        answer = await connection.request(request)
        self._free.append(connection)
        return answer

    async def _taken(self) -> HttpConnection:
        # The newest first: the server closes one that is idle for seconds.
        while self._free:
            connection = self._free.pop()
            if not connection.closed:
                return connection
        return await HttpConnection.to(self.port)

    def close(self) -> None:
        for connection in self._free:
            connection.close()
