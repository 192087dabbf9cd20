"""A start waits for 200 from the very address it asks, whatever else is answered there meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runtime import engine

READY = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
ELSEWHERE = b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n"
NO_TEXT = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 2\r\n\r\n\xff\xfe"
)
NO_HTTP = b"SSH-2.0-OpenSSH_9.2\r\n"


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[str, list[str]]]:
    """Its address and the paths asked for; each request to `/ready` gets the next of ``answers``, any other READY."""
    asked, left = list[str](), list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split()[1].decode())
        writer.write(left.pop(0) if asked[-1] == "/ready" else READY)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ready", asked


async def test_nothing_but_200_of_that_address_is_ready() -> None:
    async with answering(ELSEWHERE, NO_TEXT, NO_HTTP, b"", READY) as (url, asked):
        async with asyncio.timeout(10):
            await engine._ready(url, "the API")
        assert asked == ["/ready"] * 5
