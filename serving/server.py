"""uvicorn as both servers run it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import uvicorn

from serving.limits import Limits
from serving.protocol import limited
from serving.refusal import Application


class Server(uvicorn.Server):
    """Without signal handlers: they belong to whoever composes the process."""

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
        **options,
    )
    return Server(config)
