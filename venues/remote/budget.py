"""How often a service may be asked, by all processes together: its own window, counted in Valkey.

Where Valkey doesn't answer nobody is asked: a service that is asked too often locks out the whole organisation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from time import time
from typing import Protocol
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.codes import Code
from venues.errors import VenueError
from venues.metrics import BUDGET_LEFT

_TAKE, _BLOCK = (Path(__file__).with_name(f"{name}.lua").read_text() for name in ("take", "block"))
# A service that says until when it is not to be asked is believed for at most so long.
LONGEST_BLOCK_S = 300.0


class Budget(Protocol):
    """The requests of one service."""

    async def take(self) -> None:
        """Count one request. Raises ``VenueError`` where there is none left now, or nobody can tell."""

    async def block_until(self, unix_time: float) -> None:
        """The service asked to be left alone until then; what it asked for before stays where that is later."""


class ValkeyBudget:
    """At most ``most`` requests of ``service`` in any ``window`` seconds, counted by Valkey in its own time.

    Requests of one moment are counted by one call: hundreds of orders may begin at once.
    """

    def __init__(self, valkey: Redis, service: str, *, most: int, window: float) -> None:
        self.service, self.most, self.window = service, most, window
        self.problem: str | None = None
        """Why nothing can be counted, as readiness shows it; None while it can."""
        self._valkey = valkey
        self._waiting: list[asyncio.Future[None]] = []
        self._taking: set[asyncio.Task[None]] = set()
        self._keys = f"surefill:venue:{service}:requests", f"surefill:venue:{service}:blocked"

    async def take(self) -> None:
        loop = asyncio.get_running_loop()
        counted: asyncio.Future[None] = loop.create_future()
        self._waiting.append(counted)
        if len(self._waiting) == 1:
            # Runs after every task that is ready now, so that tasks woken together share a call.
            loop.call_soon(self._take_waiting)
        await counted

    def _take_waiting(self) -> None:
        waiting, self._waiting = [one for one in self._waiting if not one.done()], []
        if waiting:
            task = asyncio.create_task(self._take_for(waiting))
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)

    async def _take_for(self, waiting: Sequence[asyncio.Future[None]]) -> None:
        """Those that came first get what is left."""
        why, taken = f"the requests to {self.service} can't be counted", 0
        try:
            taken, left, wait_ms = await self._valkey.eval(
                _TAKE, 2, *self._keys, self.most, int(self.window * 1_000), uuid4().hex, len(waiting)
            )
        except (RedisError, OSError) as error:
            why = self.problem = f"{why}: {type(error).__name__}"
        else:
            self.problem = None
            BUDGET_LEFT.labels(self.service).set(left)
            why = f"no request is left for {int(wait_ms) / 1_000:.1f} s"
        finally:
            for number, one in enumerate(waiting):
                if one.done():
                    continue
                if number < taken:
                    one.set_result(None)
                else:
                    one.set_exception(VenueError(Code.VENUE_RATE_LIMITED, why))

    async def left(self) -> int | None:
        """How many requests are left now; None where nobody can tell."""
        try:
            seconds, micros = await self._valkey.time()
            since = seconds * 1_000 + micros // 1_000 - int(self.window * 1_000)
            used, blocked = (
                await self._valkey.zcount(self._keys[0], since, "+inf"),
                await self._valkey.exists(self._keys[1]),
            )
        except (RedisError, OSError):
            return None
        return 0 if blocked else max(0, self.most - used)

    async def block_until(self, unix_time: float) -> None:
        wait = min(max(0.0, unix_time - time()), LONGEST_BLOCK_S)
        if not wait:
            return
        try:
            await self._valkey.eval(_BLOCK, 1, self._keys[1], int(wait * 1_000) + 1)
        except (RedisError, OSError) as error:
            self.problem = f"the requests to {self.service} can't be counted: {type(error).__name__}"


class NoBudget:
    """No limit: for a service that names none, and for tests."""

    problem: str | None = None

    async def take(self) -> None:
        return None

    async def block_until(self, unix_time: float) -> None:
        return None
