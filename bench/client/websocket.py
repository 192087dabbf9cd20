"""A WebSocket that is listened to: RFC 6455 as far as a reader of short text messages needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple, cast

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_END = b"\r\n\r\n"
_WHOLE = 0x80
# Any 16 bytes in base64; we don't check the answer's hash: the server is ours.
_KEY = "c3VyZWZpbGwtYmVuY2gtMQ=="


class Frame(NamedTuple):
    opcode: int
    payload: bytes


class Refused(Exception):
    """The server did not upgrade, or broke the protocol."""


def frame_in(received: bytes | bytearray) -> tuple[Frame, int] | None:
    """The frame that ``received`` begins with and how long it is; None while it isn't whole. Raises Refused."""
    if len(received) < 2:
        return None
    first, length, begin = received[0], received[1], 2
    if not first & _WHOLE or length & 0x80:
        raise Refused("a frame in parts, or masked")
    if length >= 126:
        size = 2 if length == 126 else 8
        begin += size
        if len(received) < begin:
            return None
        length = int.from_bytes(received[2:begin], "big")
    if len(received) < begin + length:
        return None
    return Frame(first & 0x0F, bytes(received[begin : begin + length])), begin + length


def control(opcode: int, payload: bytes = b"") -> bytes:
    """A client's control frame; masked, as it has to be, with zeros."""
    return bytes((_WHOLE | opcode, 0x80 | len(payload))) + bytes(4) + payload


class Socket(asyncio.Protocol):
    """Calls ``on_text`` with each message's text; ``closed`` is done with the close code, 1006 where there was none."""

    def __init__(self, port: int, path: str, on_text: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self.open: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[int] = loop.create_future()
        self._request = (
            f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            f"sec-websocket-version: 13\r\nsec-websocket-key: {_KEY}\r\n\r\n"
        ).encode()
        self._on_text = on_text
        self._received = bytearray()
        self._code = 1006

    @classmethod
    async def to(cls, port: int, path: str, on_text: Callable[[bytes], None]) -> Socket:
        """A socket that is open. Raises Refused."""
        loop = asyncio.get_running_loop()
        _, socket = await loop.create_connection(lambda: cls(port, path, on_text), "127.0.0.1", port)
        await socket.open
        return socket

    def close(self) -> None:
        self._transport.write(control(CLOSE, (1000).to_bytes(2, "big")))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self.open.done() and not self._upgraded():
            return
        while found := frame_in(self._received):
            frame, length = found
            del self._received[:length]
            self._take(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.open.done():
            self.open.set_exception(Refused(f"closed before it was open: {exc}"))
        if not self.closed.done():
            self.closed.set_result(self._code)

    def _upgraded(self) -> bool:
        end = self._received.find(_END)
        if end < 0:
            return False
        if not self._received.startswith(b"HTTP/1.1 101"):
            self.open.set_exception(Refused(bytes(self._received[:end]).decode(errors="replace")))
            self._transport.close()
            return False
        del self._received[: end + len(_END)]
        self.open.set_result(None)
        return True

    def _take(self, frame: Frame) -> None:
        if frame.opcode == TEXT:
            self._on_text(frame.payload)
        elif frame.opcode == PING:
            self._transport.write(control(PONG, frame.payload))
        elif frame.opcode == CLOSE:
            if len(frame.payload) >= 2:
                self._code = int.from_bytes(frame.payload[:2], "big")
            self._transport.write(control(CLOSE, frame.payload[:2]))
            self._transport.close()
