"""More endpoints that take the same signed bytes: the sooner one of them reaches a leader, the better.

Sent anywhere, however often, the bytes are one transaction. What a lander answers proves nothing, and nobody waits
for it.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from time import monotonic

from prometheus_client import Counter, Histogram

from chains.endpoint import Endpoint
from chains.errors import RpcError, UnansweredError

HANDED_OVER = Counter(
    "surefill_lander_sends_total",
    "Times signed bytes were handed to a lander, by what it answered.",
    ["lander", "answer"],
)
ANSWER_SECONDS = Histogram("surefill_lander_seconds", "How long a lander took to answer.", ["lander"])

# One that swallows everything must not hold the bytes of all orders.
MOST_WAITING = 256


class Landers:
    """Those at ``urls``; ``timeout`` in seconds. One that has ``MOST_WAITING`` sends unanswered is passed over."""

    def __init__(self, urls: Sequence[str], *, timeout: float) -> None:
        self._endpoints = [Endpoint(url, timeout=timeout) for url in urls]
        self._waiting: dict[Endpoint, set[asyncio.Task[None]]] = {endpoint: set() for endpoint in self._endpoints}

    def hand_over(self, transaction: bytes) -> None:
        """Send the bytes to each, and return at once."""
        for endpoint, waiting in self._waiting.items():
            if len(waiting) >= MOST_WAITING:
                HANDED_OVER.labels(endpoint.name, "passed_over").inc()
                continue
            task = asyncio.create_task(self._send(endpoint, transaction))
            waiting.add(task)
            task.add_done_callback(waiting.discard)

    async def close(self) -> None:
        tasks = [task for waiting in self._waiting.values() for task in waiting]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(endpoint.close() for endpoint in self._endpoints))

    async def _send(self, endpoint: Endpoint, transaction: bytes) -> None:
        config = {"encoding": "base64", "skipPreflight": True, "maxRetries": 0}
        began = monotonic()
        try:
            await endpoint.call("sendTransaction", b64encode(transaction).decode(), config, shape=str)
        except RpcError:
            answer = "error"
        except UnansweredError:
            answer = "unanswered"
        else:
            answer = "accepted"
        HANDED_OVER.labels(endpoint.name, answer).inc()
        if answer != "unanswered":
            ANSWER_SECONDS.labels(endpoint.name).observe(monotonic() - began)
