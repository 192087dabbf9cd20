"""Carries out the strikes and keeps the record of what was ill, and when."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx2
from redis.exceptions import RedisError

from tests.chaos.storm.plan import Strike
from tests.chaos.storm.world import STARTS_WITHIN_S, World
from tests.e2e.processes import Process, descendants


@dataclass(frozen=True)
class Struck:
    """A strike as it was, by the wall clock; ``served_again``: when the engine was ready after it."""

    strike: Strike
    begun: datetime
    ended: datetime
    served_again: datetime | None = None

    @property
    def over(self) -> datetime:
        """When nothing of it stood in an order's way any more."""
        return max(self.ended, self.served_again or self.ended)


class Monkey:
    """``done`` is what was carried out; ``missed`` counts strikes that found nothing to strike."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stopped: set[int] = set()
        # Faults live in the node's process: when it was last started is when the earlier ones ended.
        self._node_started = datetime.now(UTC)
        self._node_starts = asyncio.Lock()
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
            ended = datetime.now(UTC)
            if strike.kind == "node" and self._node_started > begun:
                ended = self._node_started
            self.done.append(Struck(strike, begun, ended, await self._served_again(strike)))
        else:
            self.missed[strike.name] += 1

    async def _served_again(self, strike: Strike) -> datetime | None:
        """When the engine was ready after it was struck itself, however long a busy machine takes to start it."""
        if strike.kind == "node" or strike.target == "node":
            return None
        with suppress(TimeoutError):
            async with asyncio.timeout(STARTS_WITHIN_S):
                while not await asyncio.to_thread(self._world.engine.ready):
                    await asyncio.sleep(0.5)
        return datetime.now(UTC)

    async def _carried_out(self, strike: Strike) -> bool:
        world, node = self._world, self._world.node
        match strike.kind, strike.target:
            case "node", fault:
                return await self._node(fault, strike)
            case "kill", "node":
                await self._start_node_again()
            case "stop", "node":
                node.pause()
                await asyncio.sleep(strike.seconds)
                node.resume()
            case "kill", "everything":
                for one in world.everything():
                    self._signal(one, signal.SIGKILL)
                await self._start_node_again()
            case "empty", _:
                try:
                    await asyncio.to_thread(world.empty_valkey)
                except RedisError:
                    return False
            case "restart", target:
                return self._all(world.processes(target), signal.SIGINT)
            case "kill", target:
                return self._all(self._one(strike), signal.SIGKILL)
            case "stop", "postgres":
                servers = world.processes("postgres")
                backends = [below for one in servers for below in descendants(one.pid)]
                return await self._stop([*servers, *backends], strike.seconds)
            case "stop", target:
                return await self._stop(self._one(strike), strike.seconds)
        return True

    def _one(self, strike: Strike) -> list[Process]:
        """Of a role that runs twice either may be struck, the one at work or its standby."""
        found = self._world.processes(strike.target)
        return found and [found[int(strike.at * 100) % len(found)]]

    async def _start_node_again(self) -> None:
        async with self._node_starts:
            await self._world.node.kill()
            await self._world.node.start()
            await self._world.stand()
            self._node_started = datetime.now(UTC)

    async def _node(self, fault: str, strike: Strike) -> bool:
        """Whether the fault struck anything while it lasted."""
        node = self._world.node
        try:
            second = strike.second and node.second_url is not None
            before = (await node.report(second=second))["struck"].get(fault, 0)
            begun = self._node_started
            await node.fault(fault, seconds=strike.seconds, second=second, **strike.params)
            await asyncio.sleep(strike.seconds)
            after = (await node.report(second=second))["struck"].get(fault, 0)
        except (httpx2.HTTPError, AssertionError):
            return False  # it is stopped, or being started
        return after > before or self._node_started > begun

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
