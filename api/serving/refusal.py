"""A request that is answered before any application sees it: problem details, over ASGI or as bytes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """HTTP ``status``, stable ``code`` (docs/errors.md lists them), a sentence, ``Retry-After`` in seconds, the
    ``WWW-Authenticate`` of a 401, and what else the body says.
    """

    status: int
    code: str
    detail: str
    retry_after: int | None = None
    challenge: str | None = None
    members: Mapping[str, Any] = field(default_factory=dict)

    @property
    def retryable(self) -> bool:
        """Whether the same request may be taken later: what came too slowly, too often, or at a bad time."""
        return self.status in (408, 429, 503)

    def body(self) -> bytes:
        """RFC 9457 problem details."""
        return json.dumps(
            {
                "type": f"urn:surefill:problem:{self.code}",
                "title": HTTPStatus(self.status).phrase,
                "status": self.status,
                "detail": self.detail,
                "code": self.code,
                "retryable": self.retryable,
                **self.members,
            }
        ).encode()

    def headers(self, body: bytes) -> list[tuple[bytes, bytes]]:
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        if self.retry_after is not None:
            headers.append((b"retry-after", str(self.retry_after).encode()))
        if self.challenge is not None:
            headers.append((b"www-authenticate", self.challenge.encode()))
        return headers

    async def send(self, scope: Message, send: Send) -> None:
        """Answer an HTTP request, or the handshake of a WebSocket, which is then never accepted."""
        kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
        body = self.body()
        await send({"type": f"{kind}.start", "status": self.status, "headers": self.headers(body)})
        await send({"type": f"{kind}.body", "body": body})

    def response(self) -> bytes:
        """The whole answer of a server that closes the connection with it."""
        body = self.body()
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}".encode()]
        lines += [name + b": " + value for name, value in self.headers(body)]
        return b"\r\n".join([*lines, b"connection: close", b"", body])
