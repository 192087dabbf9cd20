"""Which venues are left alone, as every process says it: a hash in Valkey, for people. Nothing depends on it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from time import time

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from venues.remote.breaker import BreakerState, CircuitBreaker

log = structlog.get_logger(__name__)

_KEY = "surefill:venue:states"
EVERY_S = 1.0
# What a process hasn't said again for so long is none any more.
OLD_S = 10.0
_SEVERITY: Mapping[BreakerState, int] = {"closed": 0, "half_open": 1, "open": 2}


@dataclass(frozen=True, slots=True)
class VenueState:
    """``until`` is unix time, of one that is open."""

    state: BreakerState = "closed"
    reason: str | None = None
    until: float | None = None


class StateBoard:
    """``breakers`` gives those of this process, by the name of their service or venue."""

    def __init__(self, valkey: Redis, breakers: Callable[[], Iterable[CircuitBreaker]]) -> None:
        self._valkey = valkey
        self._breakers = breakers
        self._process = f"{socket.gethostname()}:{os.getpid()}"

    async def run(self) -> None:
        """Say every second how the venues are that this process asks; what can't be said is said later."""
        while True:
            try:
                await self._say()
            except (RedisError, OSError) as error:
                log.debug("the venues' states can't be said", error=type(error).__name__)
            await asyncio.sleep(EVERY_S)

    async def read(self) -> dict[str, VenueState]:
        """The worst that any process says of each. Raises what Valkey's client raises."""
        found: dict[str, VenueState] = {}
        for said in (await self._valkey.hgetall(_KEY)).values():
            for name, state in _decoded(said).items():
                held = found.get(name)
                if held is None or _SEVERITY[state.state] > _SEVERITY[held.state]:
                    found[name] = state
        return found

    async def _say(self) -> None:
        states = {one.name: asdict(_state_of(one)) for one in self._breakers() if one.was_asked}
        if states:
            said = json.dumps({"at": time(), "states": states})
            await self._valkey.hset(_KEY, self._process, said)
            await self._valkey.expire(_KEY, int(OLD_S))


def _state_of(breaker: CircuitBreaker) -> VenueState:
    state = breaker.state
    if state == "closed":
        return VenueState()
    return VenueState(state, breaker.reason, time() + breaker.left_s)


def _decoded(said: bytes | str) -> dict[str, VenueState]:
    """What one process said, unless it is long ago or of another version."""
    try:
        read = json.loads(said)
        if time() - read["at"] > OLD_S:
            return {}
        return {name: VenueState(**state) for name, state in read["states"].items()}
    except (ValueError, KeyError, TypeError):
        return {}
