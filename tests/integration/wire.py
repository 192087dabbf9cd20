"""A connection to PostgreSQL on which answers get lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Wire:
    """A TCP relay to PostgreSQL that can lose answers: what the client sent arrives, what comes back does not."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._writers: list[asyncio.StreamWriter] = []
        self.lose_answers = 0
        self.refuse = False
        self.port = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Wire]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        yield self
        server.close()
        for writer in self._writers:
            writer.close()

    def to(self, url: str) -> str:
        """The database of ``url``, over this wire."""
        return url.replace(f":{self._upstream}/", f":{self.port}/")

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self._writers.append(to_client)
        if self.refuse:
            to_client.close()
            return
        server, to_server = await asyncio.open_connection("127.0.0.1", self._upstream)
        self._writers.append(to_server)
        try:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await asyncio.gather(self._forward(client, to_server, False), self._forward(server, to_client, True))
        finally:
            to_client.close()
            to_server.close()

    async def _forward(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, answers: bool) -> None:
        while data := await source.read(65536):
            if answers and self.lose_answers:
                self.lose_answers -= 1
                target.close()
                return
            target.write(data)
            await target.drain()
        target.close()
