"""The Prometheus metrics of a process without the API, on METRICS_PORT."""

import asyncio
import socket
import threading

from prometheus_client import make_asgi_app

from api.serving.access import Access
from api.serving.checked import checked
from api.serving.concurrency import at_most
from api.serving.limits import Limits
from api.serving.server import server
from runtime.errors import StartupError

AT_ONCE = 10


def serve_metrics(host: str, port: int, access: Access, limits: Limits | None = None) -> None:
    """Answer in a thread of its own until the process ends, also while the process's loop is held up.

    Asked by whom ``access`` admits, as the API is: nothing secret is counted, but what an account does is its owner's
    business, and any page could read it by DNS rebinding. Raises ``StartupError`` where the port can't be had.
    """
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise StartupError(f"METRICS_PORT {port} cannot be listened on: {error.strerror}") from None
    serving = server(
        checked(at_most(make_asgi_app(), AT_ONCE), access),
        limits or Limits(body_bytes=0),
        ws="none",
        lifespan="off",
        log_level="warning",
        date_header=False,  # it would take uvicorn's ten ticks a second
    )
    threading.Thread(target=lambda: asyncio.run(serving.serve(sockets=[listener])), name="metrics", daemon=True).start()
