"""What the lanes of one run share: its sizes, an engine, a warm peer, a place to say how far it is."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from bench.closed_loop import closed_loop
from bench.conditions import database
from bench.engine import Engine, engine
from bench.peer import WARM_ORDERS, NoPeer, Peer, peer
from bench.product import connection_string
from bench.scratch import data_directory
from bench.subject import EXECUTE

CORES = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much each lane does; the defaults are what the published figures are of."""

    runs: int = 3
    orders: int = 3_000
    connections: int = 32
    batch: int = 100
    rates: tuple[int, ...] = (20, 100, 200)
    seconds: int = 20
    warm: int = WARM_ORDERS
    engine_warm: int = 500
    in_flight: int = 10_000
    sockets: int = 10_000
    fan_out_rate: int = 50
    resting: int = 100_000
    resting_pairs: int = 10
    resting_seconds: int = 60
    moves: int = 20
    met: int = 50
    log_seconds: float = 3.0
    rebuild_events: int = 300_000
    growth: tuple[int, ...] = (0, 1_000_000, 5_000_000)
    idle_settle: int = 20
    idle_seconds: int = 60


@dataclass
class Rig:
    """``with_peer`` False leaves the peer out. An engine and a peer are started when a lane first asks for them."""

    sizes: Sizes
    console: Console
    with_peer: bool = True
    no_peer: str = "left out, as asked"
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _engine: Engine | None = None
    _peer: Peer | None = None

    def say(self, text: str) -> None:
        self.console.print(f"load {os.getloadavg()[0]:.1f}  {text}", style="dim", highlight=False, soft_wrap=True)

    @asynccontextmanager
    async def own_engine(self, directory: Path | None = None, **settings: str) -> AsyncIterator[Engine]:
        """An engine for one lane, in a new directory where none is given; nothing else of ours runs beside it."""
        await self.clear()
        async with AsyncExitStack() as stack:
            if directory is None:
                directory = stack.enter_context(data_directory())
            yield await stack.enter_async_context(engine(directory, **settings))

    async def engine(self) -> Engine:
        """The engine that the lanes in turns with the peer share, past its first orders."""
        if self._engine is None:
            directory = self._stack.enter_context(data_directory())
            self._engine = await self._stack.enter_async_context(engine(directory))
            self.say(f"the engine runs; {self.sizes.engine_warm} orders to warm it")
            await closed_loop(self._engine, self.sizes.engine_warm, self.sizes.connections, EXECUTE, self._engine.body)
        return self._engine

    async def peer(self) -> Peer | None:
        """The peer, warm; None where there is none, and ``no_peer`` says why."""
        if self._peer is None and self.with_peer:
            directory = self._stack.enter_context(data_directory())
            try:
                self._peer = await self._stack.enter_async_context(peer(directory))
            except NoPeer as why:
                self.with_peer, self.no_peer = False, str(why)
                self.say(f"no peer: {why}")
                return None
            self.say(f"the peer runs; {self.sizes.warm} orders to warm it")
            await closed_loop(self._peer, self.sizes.warm, self.sizes.connections, EXECUTE, self._peer.body)
        return self._peer

    async def clear(self) -> None:
        """End the shared engine and peer: a lane that measures alone comes."""
        self._engine = self._peer = None
        await self._stack.aclose()


def database_conditions(subject: Engine) -> dict[str, str]:
    return database(connection_string(subject.addresses["DATABASE_URL"]))
