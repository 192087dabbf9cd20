"""The whole engine and who should not be there: pages of other origins, and a hundred connections that want to stay."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.e2e.engine import Engine, submit

CONNECTIONS = 100
MEGABYTE = 1024 * 1024
UPGRADE = b"GET /ws/orders/x HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX: "
OPENINGS = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
    b"GET /",
    UPGRADE,
    b"POST /api/orders/execute HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;x=",
    b"POST /api/orders/execute HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000000\r\n\r\n",
)


def api_memory(engine: Engine) -> int:
    """Bytes that the engine's API process holds in memory."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            status = dict(
                line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line
            )
            words = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            if int(status["PPid"]) == engine.pid and words[-1] in (b"api", b"core"):
                return int(status["VmRSS"].split()[0]) * 1024
    raise AssertionError("no API process")


async def hostile(port: int, opening: bytes) -> None:
    """Send 3 MB that end nothing, and stay until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        writer.write(opening)
        for _ in range(48):
            writer.write(b"a" * 65_536)
            await writer.drain()
        await reader.read()
    writer.close()


async def test_a_hundred_hostile_connections_leave_no_memory_behind(engine: Engine) -> None:
    async with engine.client() as client:
        await submit(client)
        before = api_memory(engine)
        ended = asyncio.gather(*(hostile(engine.port, OPENINGS[n % len(OPENINGS)]) for n in range(CONNECTIONS)))
        silent = [await asyncio.open_connection("127.0.0.1", engine.port) for _ in range(CONNECTIONS)]
        await asyncio.wait_for(ended, 60)
        assert api_memory(engine) - before < 20 * MEGABYTE
        for reader, writer in silent:
            assert await asyncio.wait_for(reader.read(), 60) == b""
            writer.close()
        await submit(client)
        assert api_memory(engine) - before < 20 * MEGABYTE


async def test_a_page_elsewhere_cannot_listen_to_an_order(engine: Engine) -> None:
    async with engine.client() as client:
        order_id = await submit(client)
    stream = f"ws://127.0.0.1:{engine.port}/ws/orders/{order_id}"
    for origin in ("http://evil.example", "null", f"http://evil.example:{engine.port}"):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(stream, origin=origin):  # type: ignore[arg-type]
                pass
        assert refused.value.response.status_code == 403
    async with connect(stream, origin=engine.url) as socket:  # type: ignore[arg-type]
        assert await socket.recv()
