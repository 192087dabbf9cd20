"""Carries out the strikes and keeps the record of what was ill, and when."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx2
from redis.exceptions import RedisError

from tests.chaos.storm.plan import Strike
from tests.chaos.storm.world import World
from tests.e2e.processes import Process


@dataclass(frozen=True)
class Struck:
    """A strike as it was: by the wall clock, from when to when."""

    strike: Strike
    begun: datetime
    ended: datetime


class Monkey:
    """``done`` is what was carried out; ``missed`` counts strikes that found nothing to strike."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stopped: set[int] = set()
        self.done: list[Struck] = []
        self.missed: Counter[str] = Counter()

    async def run(self, strikes: Sequence[Strike]) -> None:
        """Every strike at its time; returns when the last is over."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as tasks:
            for strike in strikes:
                await asyncio.sleep(max(0.0, began + strike.at - loop.time()))
                tasks.create_task(self._strike(strike))

    async def heal(self) -> None:
        """Everything runs again, the node tells the truth."""
        for pid in list(self._stopped):
            self._signal(Process(pid, 0, ""), signal.SIGCONT)
        await self._world.node.clear()

    async def _strike(self, strike: Strike) -> None:
        begun = datetime.now(UTC)
        if await self._carried_out(strike):
            self.done.append(Struck(strike, begun, datetime.now(UTC)))
        else:
            self.missed[strike.name] += 1

    async def _carried_out(self, strike: Strike) -> bool:
        world, node = self._world, self._world.node
        match strike.kind, strike.target:
            case "node", fault:
                return await self._node(fault, strike)
            case "kill", "node":
                await node.kill()
                await node.start()
            case "stop", "node":
                node.pause()
                await asyncio.sleep(strike.seconds)
                node.resume()
            case "kill", "everything":
                doomed = world.everything()
                await node.kill()
                for one in doomed:
                    self._signal(one, signal.SIGKILL)
                await node.start()
            case "empty", _:
                try:
                    await asyncio.to_thread(world.empty_valkey)
                except RedisError:
                    return False
            case "restart", target:
                return self._all(world.processes(target), signal.SIGINT)
            case "kill", target:
                return self._all(self._one(strike), signal.SIGKILL)
            case "stop", target:
                return await self._stop(self._one(strike), strike.seconds)
        return True

    def _one(self, strike: Strike) -> list[Process]:
        """Of a role that runs twice either may be struck, the one at work or its standby."""
        found = self._world.processes(strike.target)
        return found and [found[int(strike.at * 100) % len(found)]]

    async def _node(self, fault: str, strike: Strike) -> bool:
        try:
            await self._world.node.fault(fault, seconds=strike.seconds, **strike.params)
        except (httpx2.HTTPError, AssertionError):
            return False  # it is stopped or being started
        await asyncio.sleep(strike.seconds)
        return True

    async def _stop(self, targets: Sequence[Process], seconds: float) -> bool:
        if not self._all(targets, signal.SIGSTOP):
            return False
        self._stopped.update(one.pid for one in targets)
        await asyncio.sleep(seconds)
        self._all(targets, signal.SIGCONT)
        self._stopped.difference_update(one.pid for one in targets)
        return True

    def _all(self, targets: Sequence[Process], number: signal.Signals) -> bool:
        return sum(self._signal(one, number) for one in targets) > 0

    @staticmethod
    def _signal(target: Process, number: signal.Signals) -> bool:
        try:
            target.kill(number)
        except ProcessLookupError:
            return False
        return True
