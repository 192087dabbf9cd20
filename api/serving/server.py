"""uvicorn as both servers run it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import uvicorn

from api.serving.limits import Limits
from api.serving.protocol import limited
from api.serving.refusal import Application

# Longer than common clients and proxies keep an idle connection (Node 4 s, httpx 5, nginx and AWS' balancers 60): where
# both close it at the same moment a request is lost.
_KEEP_ALIVE_S = 75


class Server(uvicorn.Server):
    """Without signal handlers: they belong to whoever composes the process. ``stop`` ends it.

    Without a Date header it has no ticks either: idle it does nothing at all.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._stopped.set()

    async def main_loop(self) -> None:
        if self.config.date_header:
            await super().main_loop()
        else:
            await self._stopped.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(app: Application, limits: Limits, **options: Any) -> Server:
    """``options`` are further ones of ``uvicorn.Config``. Whatever a proxy says of its client is ignored."""
    config = uvicorn.Config(
        app,
        http=limited(limits),
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=_KEEP_ALIVE_S,
        **options,
    )
    return Server(config)
