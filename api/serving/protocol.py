"""uvicorn's HTTP protocol, within limits: a connection takes so many bytes and seconds for a request, and no more.

What is past a limit gets an answer and the connection's end. Where an earlier answer on the connection is still being
written there can be none; then it just ends. A WebSocket's request is held to the same until it is handed on.
"""

from __future__ import annotations

import asyncio
import re
from enum import Enum, auto
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from api.serving.limits import BODY_TOO_LARGE, HEADERS_TOO_LARGE, MALFORMED, TOO_SLOW, Limits
from api.serving.refusal import Refusal

# A client that is still sending would lose the answer if the connection were closed under it.
_LINGER_S = 1.0
_PIPELINED = 16
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)
# The library that speaks WebSocket takes no longer line, and leaves the connection open in silence.
_LONGEST_UPGRADE_LINE = 8000


class _Part(Enum):
    """What the next byte belongs to."""

    NOTHING = auto()
    HEADERS = auto()
    BODY = auto()


class _LimitExceeded(Exception):
    """Ends the parser's work from inside one of its callbacks."""


class LimitedProtocol(HttpToolsProtocol):
    limits: ClassVar[Limits] = Limits()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._part = _Part.NOTHING
        self._size = 0  # bytes of the part so far
        self._chunk = 0  # bytes that the parser is being fed
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._refusal = MALFORMED
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(self.limits.header_seconds, self._out_of_time)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        if self._unread is not None:
            self._unread.cancel()
        super().connection_lost(exc)
        # Its timer would hold the protocol of a connection that was reset.
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._part is _Part.NOTHING:
            self._part, self._size = _Part.HEADERS, 0  # of a request, or blank lines before it
        self._chunk = len(data)
        self._size += self._chunk
        super().data_received(data)
        if self._refused or self._part is _Part.NOTHING:
            return
        if self._part is _Part.HEADERS and self._size > self.limits.header_bytes:
            self._refuse(HEADERS_TOO_LARGE)
        elif self._part is _Part.BODY and self._body_size() > self.limits.body_bytes:
            self._refuse(BODY_TOO_LARGE)
        elif self._deadline is None:
            self._arm()

    # What the parser found.

    def on_message_begin(self) -> None:
        if self._part is not _Part.HEADERS:  # behind another request in one chunk
            self._part, self._size = _Part.HEADERS, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self.url[:1] != b"/":
            self._take_host_of_target()
        upgrades = bool(self.parser.should_upgrade()) and self._should_upgrade()
        if len(self.headers) > self.limits.header_count or self._headers_too_long(upgrades=upgrades):
            self._stop(HEADERS_TOO_LARGE)
        if len(self.pipeline) >= _PIPELINED:
            self._stop(MALFORMED)
        super().on_headers_complete()
        self._disarm()
        self._part, self._size = _Part.BODY, 0

    def on_message_complete(self) -> None:
        self._disarm()
        self._part = _Part.NOTHING
        super().on_message_complete()

    def _take_host_of_target(self) -> None:
        """A target that names a host overrules the header (RFC 9112, 3.2.2); two that differ are one too many."""
        found = _ABSOLUTE.match(self.url)
        if found and found[1] not in [value for name, value in self.headers if name == b"host"]:
            self.headers.append((b"host", found[1]))

    def _headers_too_long(self, *, upgrades: bool) -> bool:
        # Most requests are one small chunk: only for others the headers themselves are counted.
        if max(self._size, self._chunk) > self.limits.header_bytes:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self.limits.header_bytes:
                return True
        return upgrades and any(
            length > _LONGEST_UPGRADE_LINE
            for length in (len(self.url), *(len(name) + len(value) for name, value in self.headers))
        )

    def _body_size(self) -> int:
        """The size it says it has, or the bytes so far, less what chunks and trailers may take beside it."""
        if self._size == 0:
            for name, value in self.headers:
                if name == b"content-length":
                    return int(value)
        return self._size - self.limits.header_bytes

    # What becomes of the connection.

    def handle_websocket_upgrade(self) -> None:
        self._disarm()
        super().handle_websocket_upgrade()
        protocol = self.transport.get_protocol()
        if isinstance(protocol, WebSocketsSansIOProtocol) and not protocol.handshake_initiated:
            self.transport.write(MALFORMED.response())
            self.transport.close()
        # It knows us, and is otherwise let go of when the connection is lost, which another protocol hears of now.
        self.parser = None  # type: ignore[assignment]  # as uvicorn does it

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._refusal)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(self.limits.answer_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _arm(self) -> None:
        seconds = self.limits.body_seconds if self._part is _Part.BODY else self.limits.header_seconds
        self._deadline = self.loop.call_later(seconds, self._out_of_time)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _out_of_time(self) -> None:
        self._deadline = None
        if self._part is _Part.NOTHING:  # it was opened and never used
            self.transport.close()
        elif self._is_behind_another():  # perhaps it is we who don't read
            self._arm()
        else:
            self._refuse(TOO_SLOW)

    def _is_behind_another(self) -> bool:
        """Whether an earlier request of the connection is still at work."""
        if self._part is _Part.BODY:
            return bool(self.pipeline)
        return bool(self.pipeline) or (self.cycle is not None and not self.cycle.response_complete)

    def _stop(self, refusal: Refusal) -> None:
        self._refusal = refusal
        raise _LimitExceeded

    def _refuse(self, refusal: Refusal) -> None:
        self._refused = True
        self._disarm()
        self._unset_keepalive_if_required()
        if not self._may_answer():
            self.transport.close()
            return
        self.transport.write(refusal.response())
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(_LINGER_S, self.transport.abort)

    def _may_answer(self) -> bool:
        """Whether nothing else is being answered; the request at fault, if it is at work, is told that it ended."""
        if self.transport.is_closing() or self._is_behind_another():
            return False
        if self._part is not _Part.BODY:
            return True
        if self.cycle.response_started:
            return False
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        return True


def limited(limits: Limits) -> type[LimitedProtocol]:
    """The protocol with ``limits``, as uvicorn takes it: a class."""
    return type("LimitedProtocol", (LimitedProtocol,), {"limits": limits})
