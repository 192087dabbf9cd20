"""Serve the application in this process, until told to stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from api.handshakes import answering_handshakes
from api.metrics import Application, measured
from api.orders.document import BODY_LIMIT
from api.serving.access import STRICT, Access
from api.serving.checked import checked
from api.serving.concurrency import AT_ONCE, at_most
from api.serving.head import answering_head
from api.serving.limits import Limits
from api.serving.overload import MAX_LAG_S, LoopLag, shed
from api.serving.server import server
from api.serving.stopping import answered_when_stopped
from api.serving.websocket import WebSocketProtocol

# Seconds. Whoever supervises this process gives it more, and all of the engine ends within ten.
GRACE = 2
MOST_FROM_A_CLIENT = 4096
LIMITS = Limits(body_bytes=BODY_LIMIT)


async def serve(
    app: Application,
    host: str,
    port: int,
    *,
    access: Access = STRICT,
    limits: Limits = LIMITS,
    at_once: int = AT_ONCE,
    max_lag: float = MAX_LAG_S,
    listening: Callable[[int], None] | None = None,
) -> None:
    """Serve until cancelled, then stop: sockets are closed with 1012, requests in flight have ``GRACE`` seconds.

    What has had no answer by then is told that the engine stops.

    ``max_lag`` is how many seconds the event loop may be late before requests are refused. ``listening`` is told the
    port once connections are taken; with ``port`` 0 the system picks one. Raises ``OSError`` where the address can't be
    had.
    """
    listener, lag = _bind(host, port), LoopLag(max_lag)
    answering = shed(answering_handshakes(answering_head(app)), lag)
    serving = server(
        measured(answered_when_stopped(checked(at_most(answering, at_once), access))),
        limits,
        lifespan="on",
        log_level="warning",
        ws=WebSocketProtocol,
        ws_max_size=MOST_FROM_A_CLIENT,
        # Messages are small: deflating them costs more CPU and memory for each socket than it saves on the wire.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=GRACE,
    )
    task = asyncio.create_task(serving.serve(sockets=[listener]), name="http")
    try:
        while not serving.started and not task.done():
            await asyncio.wait({task}, timeout=0.02)
        if not serving.started:
            raise RuntimeError("the application did not start")
        lag.start()
        if listening:
            listening(listener.getsockname()[1])
        await asyncio.shield(task)
    finally:
        lag.stop()
        serving.stop()
        await asyncio.gather(task, return_exceptions=True)
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
