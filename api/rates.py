"""How many orders, or previews, an account may ask for a minute: a moving window in Valkey, which all API processes
share.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self
from uuid import UUID

import structlog
from limits import RateLimitItemPerMinute, WindowStats
from limits.aio.strategies import MovingWindowRateLimiter
from limits.storage import storage_from_string
from redis.exceptions import RedisError

from commands.batched_questions import BatchedQuestions
from event_store.valkey import open_pool

_COUNTED_FOR_S = 0.25
_TOGETHER = 100
_LOTS_A_MINUTE = 6_000
"""Hits are taken in lots of a hundredth of a second's worth: of one below a rate of 12,000 a minute, which is exact."""
_LOT_KEPT_FOR_S = 1.0

Counted = Literal["orders", "previews"]
_Key = tuple[Counted, UUID, int]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rate:
    """What an account has left: ``remaining`` of ``limit``, and in how many seconds there is more."""

    limit: int
    remaining: int
    reset_s: int
    exceeded: bool = False

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_s),
        }


class Rates:
    """``fail_open``: while Valkey can't be asked nothing is limited; else an account with a rate is refused.

    Within its context it has connections to Valkey, which it opens when it is asked.
    """

    def __init__(self, redis_url: str, *, fail_open: bool) -> None:
        self._pool = open_pool(redis_url, socket_connect_timeout=1, socket_timeout=1)
        storage = storage_from_string(
            f"async+{redis_url}",
            implementation="redispy",
            connection_pool=self._pool,  # type: ignore[arg-type]  # it is documented, and its type leaves it out
        )
        self._limiter = MovingWindowRateLimiter(storage)
        self._hits = BatchedQuestions[_Key, int, bool](self._hit_all, most=_TOGETHER)
        self._ahead: dict[_Key, tuple[float, int]] = {}
        self._windows: dict[_Key, tuple[float, WindowStats]] = {}
        self.fail_open = fail_open
        self.problem: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._pool.aclose()

    async def hit(self, account_id: UUID, a_minute: int, cost: int = 1, of: Counted = "orders") -> Rate | None:
        """``cost`` more orders of the account, all of them or none; None where Valkey can't tell."""
        try:
            key = (of, account_id, a_minute)
            taken = self._use_ahead(key, cost) or await self._hits.ask(key, cost)
            window = await self._window(key, cost if taken else None)
        except (RedisError, OSError, TimeoutError) as error:
            if self.problem is None:
                log.warning("rates can't be counted", fail_open=self.fail_open, error=type(error).__name__)
            self.problem = type(error).__name__
            return None
        self.problem = None
        reset = max(1, round(window.reset_time - time.time()))
        return Rate(a_minute, int(window.remaining), reset, exceeded=not taken)

    def _left_ahead(self, key: _Key) -> int:
        """How many are left of those that this process took ahead a moment ago; older ones are given up."""
        taken_at, left = self._ahead.get(key, (0.0, 0))
        return left if time.monotonic() - taken_at <= _LOT_KEPT_FOR_S else 0

    def _use_ahead(self, key: _Key, wanted: int) -> bool:
        """Whether so many were left, and are used now."""
        left = self._left_ahead(key)
        if left < wanted:
            return False
        if wanted:
            self._ahead[key] = (self._ahead[key][0], left - wanted)
        return True

    async def _hit_all(self, key: _Key, costs: Sequence[int]) -> Sequence[bool]:
        """Whether each is taken. All of them at once where they are, for a call costs more than what it counts, and of
        a high rate some ahead: what isn't used of these is counted all the same.
        """
        _, _, a_minute = key
        wanted, ahead = sum(costs), self._left_ahead(key)
        if self._use_ahead(key, wanted):
            return [True] * len(costs)
        self._use_ahead(key, ahead)
        short = wanted - ahead
        lot = max(short, a_minute // _LOTS_A_MINUTE)
        if await self._hit(key, lot):
            self._ahead[key] = (time.monotonic(), lot - short)
            return [True] * len(costs)
        each = []
        for cost in costs:
            short = max(0, cost - ahead)
            # What has just been refused is by itself no less.
            taken = not short or ((len(costs) > 1 or short < lot) and await self._hit(key, short))
            ahead -= cost - short if taken else 0
            each.append(taken)
        if ahead:
            self._ahead[key] = (time.monotonic(), ahead)
        return each

    async def _hit(self, key: _Key, cost: int) -> bool:
        of, account_id, a_minute = key
        return await self._limiter.hit(RateLimitItemPerMinute(a_minute), of, str(account_id), cost=cost)

    async def _window(self, key: _Key, taken: int | None) -> WindowStats:
        """What is left, as Valkey counts it: that takes it as long as the window is full, so between two counts every
        order is taken off here. Whoever is refused, with None ``taken``, is told exactly.
        """
        counted_at, window = self._windows.get(key, (-_COUNTED_FOR_S, None))
        if window is None or taken is None or time.monotonic() - counted_at > _COUNTED_FOR_S:
            of, account_id, a_minute = key
            window = await self._limiter.get_window_stats(RateLimitItemPerMinute(a_minute), of, str(account_id))
            self._windows[key] = (time.monotonic(), window)
        else:
            window = window._replace(remaining=max(0, window.remaining - taken))
            self._windows[key] = (counted_at, window)
        return window
