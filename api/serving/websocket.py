"""uvicorn's WebSocket protocol, which takes a refused handshake for an answered one, and leaves no garbage behind."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn logs an error for each handshake that gets an HTTP answer: any page elsewhere could fill the log.

    A closed connection's parser is a generator that knows the connection, which knows the parser. Where many sockets
    come and go, what the collector has to find of such circles stops the whole process for a fifth of a second.
    """

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.conn.parser.close()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True
