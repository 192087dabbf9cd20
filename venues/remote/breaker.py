"""Leave alone what fails: after some failures in a row nobody asks for a while, then one asks whether it is back.

What shows that may be long in coming: a venue's quotes may be beaten, so that none of its swaps is tried, and at night
nobody asks. So the trying ends by its time, too, where nothing failed in it. Time is that of the monotonic clock: one
of the wall that steps back an hour would leave a venue alone for as long.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Literal

from domain.codes import Code
from venues.errors import VenueError
from venues.metrics import BREAKER

BreakerState = Literal["closed", "open", "half_open"]

FAILURES = 5
FIRST_S, LONGEST_S = 2.0, 60.0
DISTRUST_S = 60.0
TRYING_S = 60.0


class CircuitBreaker:
    """Of the service or venue ``name``. ``closed``: asked as usual; ``open``: not asked for ``left_s`` seconds;
    ``half_open``, for ``TRYING_S`` at most: one asks, and its answer decides. Until something succeeds a failure after
    that opens it again at once.
    """

    def __init__(self, name: str, *, clock: Callable[[], float] = monotonic) -> None:
        self.name = name
        self.until = 0.0
        """By the clock given, which is no unix time."""
        self.reason: str | None = None
        self.was_asked = False
        """Whether this process has any business with it."""
        self._clock = clock
        self._code = Code.VENUE_UNAVAILABLE
        self._failures = 0
        self._pause = FIRST_S
        self._trying_until = 0.0
        self._is_open = False
        BREAKER.labels(name).set(0)

    @property
    def state(self) -> BreakerState:
        now = self._clock()
        if self._is_open and now >= self.until + TRYING_S:
            self._close()
        if not self._is_open:
            return "closed"
        return "open" if now < self.until else "half_open"

    @property
    def left_s(self) -> float:
        """For how many seconds more it isn't asked."""
        return max(0.0, self.until - self._clock())

    def require(self, *, within: float = FIRST_S) -> None:
        """Raise ``VenueError`` where it isn't to be asked now. The one that tries has ``within`` seconds to answer."""
        self.was_asked = True
        if self.state == "closed":
            return
        if self.state == "open" or self._clock() < self._trying_until:
            raise VenueError(self._code, f"left alone for now: {self.reason}")
        self._trying_until = self._clock() + within

    def succeeded(self) -> None:
        self._failures, self._pause, self._trying_until = 0, FIRST_S, 0.0
        if self._is_open and self._clock() >= self.until:
            self._close()

    def failed(self, reason: str, code: Code = Code.VENUE_UNAVAILABLE) -> None:
        """``code`` is what those who aren't let through are told: that a key isn't accepted stays so meanwhile."""
        self._failures += 1
        if self.state == "half_open" or (self.state == "closed" and self._failures >= FAILURES):
            self._open(self._pause, reason, code)
            self._pause = min(2 * self._pause, LONGEST_S)

    def distrust(self, reason: str) -> None:
        """Leave it alone at once: what it answered must not be used."""
        self._failures = max(self._failures, FAILURES)
        self._open(DISTRUST_S, reason, Code.VENUE_UNAVAILABLE)

    def _close(self) -> None:
        self._is_open, self.reason = False, None
        BREAKER.labels(self.name).set(0)

    def _open(self, seconds: float, reason: str, code: Code) -> None:
        self.until = max(self.until, self._clock() + seconds)
        self._is_open, self.reason, self._code, self._trying_until = True, reason, code, 0.0
        BREAKER.labels(self.name).set(1)
