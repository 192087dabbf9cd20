"""Serve the application in this process, until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn

from api.metrics import Application, measured

# Seconds. Whoever supervises this process gives it more, and all of the engine ends within ten.
GRACE = 2
MOST_FROM_A_CLIENT = 4096


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to whoever composes the process."""
        yield


async def serve(app: Application, host: str, port: int, *, listening: Callable[[int], None] | None = None) -> None:
    """Serve until cancelled, then stop: sockets are closed with 1012, requests in flight have ``GRACE`` seconds.

    ``listening`` is told the port once connections are taken; with ``port`` 0 the system picks one. Raises ``OSError``
    where the address can't be had.
    """
    listener = _bind(host, port)
    config = uvicorn.Config(
        measured(app),
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        ws_max_size=MOST_FROM_A_CLIENT,
        # Messages are small: deflating them costs more CPU and memory for each socket than it saves on the wire.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=GRACE,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    try:
        while not server.started and not serving.done():
            await asyncio.wait({serving}, timeout=0.02)
        if not server.started:
            raise RuntimeError("the application did not start")
        if listening:
            listening(listener.getsockname()[1])
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)
        listener.close()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener
