"""Shed load while the event loop is late: who asks for more work is refused at once, and what is under way goes on.

The loop may be shared with other parts of the engine; a loop that is late is late for all of them.
"""

from __future__ import annotations

import asyncio
import time

from prometheus_client import Counter

from api.serving.refusal import Application, Message, Receive, Refusal, Send

# Thirty-two batches of a hundred orders at once, on one core, keep a loop from its timer for a third of that.
MAX_LAG_S = 1.0
PERIOD_S = 0.1
# It is over once the loop has been less than half as late as it may be for so long.
CALM_S = 0.5

# The code that is answered where too many requests are at work, too: a client does the same about either.
SHED = Refusal(503, "overloaded", "The engine is behind with its work; nothing was recorded.", retry_after=1)

_SHED = Counter("surefill_http_shed_total", "Requests refused because the event loop was late.")


class LoopLag:
    """Whether this thread's event loop is overloaded: later than ``max_lag`` seconds, and not calm again since.

    The timer runs from ``start`` until ``stop``.
    """

    def __init__(self, max_lag: float = MAX_LAG_S) -> None:
        self._max_lag = max_lag
        self._due = 0.0
        self._late_until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        # Not the loop's own clock: uvloop's stands still while a callback runs.
        self._due = time.monotonic() + PERIOD_S
        self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self._tick)

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    @property
    def overloaded(self) -> bool:
        """As of now, also where the timer is due and has had no turn yet."""
        now = time.monotonic()
        if self._timer:
            self._judge(now)
        return now < self._late_until

    def _tick(self) -> None:
        self._judge(time.monotonic())
        self.start()

    def _judge(self, now: float) -> None:
        late = now - self._due
        if late > self._max_lag or (now < self._late_until and late > self._max_lag / 2):
            self._late_until = now + CALM_S


def shed(app: Application, lag: LoopLag, under: str = "/api/") -> Application:
    """``app``, with 503 for every HTTP request below a path while the loop is overloaded.

    Others are answered: health, metrics, and WebSockets, those that are open as new ones.
    """

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(under) and lag.overloaded:
            _SHED.inc()
            await SHED.send(scope, send)
            return
        await app(scope, receive, send)

    return application
