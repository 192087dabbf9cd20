"""The engine and its chain in a storm: `surefill up` in front of a misbehaving node, and a market that moves."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import psycopg
from redis import Redis

from chains.wallet import Wallet
from tests.chaos.node import FaultyNode
from tests.chaos.storm.adapters import Adapters
from tests.chaos.storm.errors import sentences
from tests.chaos.storm.options import Option, settings_of, standing
from tests.e2e.engine import SUREFILL, Engine
from tests.e2e.processes import Process, descendants

ROOT = Path(__file__).parents[3]
RESTART_S = 0.5
# On a machine that has much else to do.
STARTS_WITHIN_S = 300
# So short that rents come back in the storm, too: longer than the node of a storm forgets or forks anything.
GUARDS_KEPT_FOR = timedelta(seconds=40)
# A node that is unreachable or serves another chain, and processes of the killed engine that aren't gone yet.
IN_ITS_WAY = ("SOLANA_RPC_URL", "the log's transactions belong to the chain", "is taken on", "an earlier surefill")


class World:
    """Everything is kept in ``directory``. ``processes`` is how the engine is divided; ``plant`` names a fault of the
    engine itself, see ``plants``.
    """

    def __init__(
        self, directory: Path, processes: str, plant: str | None, options: Sequence[Option], seed: int
    ) -> None:
        data = directory / "data"
        wallet = data / "wallet.json"
        address = Wallet.load_or_create(wallet).address
        data.chmod(0o711)
        self.data = data
        self.wallet = wallet
        # Where the engine's own node would be: there `localnet market` finds its key.
        self.node = FaultyNode(data / "localnet", address, slot_ms=100, two_endpoints="liar" in options)
        # Of two endpoints the one that lies is asked first and sent to.
        first, *others = [url for url in (self.node.second_url, self.node.url) if url]
        self.standing = standing(options, seed)
        self.adapters = Adapters(seed) if "adapters" in options else None
        self.engine = Engine(
            directory,
            settings={
                "SOLANA_RPC_URL": first,
                "SOLANA_EVIDENCE_RPC_URLS": ",".join(others),
                **settings_of(options),
                "LOG_FORMAT": "json",
                "LOG_LEVEL": "info",
                "PROCESSES": processes,
                "GUARD_KEEP": f"{GUARDS_KEPT_FOR.seconds}s",
            },
            command=(str(SUREFILL), "up") if plant is None else (sys.executable, "-m", "tests.chaos.plants", plant),
        )
        self.surprises: list[str] = []
        self.addresses: dict[str, str] = {}
        self._market: subprocess.Popen[bytes] | None = None
        self._wanted = False
        self._keeping: asyncio.Task[None] | None = None

    async def start(self, seed: int) -> None:
        await self.node.start()
        if self.adapters:
            await self.adapters.open(self.node.truth_url)
            self.engine.settings |= self.adapters.settings
        await asyncio.to_thread(partial(self.engine.start, within=STARTS_WITHIN_S))
        self.addresses = await asyncio.to_thread(self.engine.addresses)
        self._wanted = True
        self._keeping = asyncio.create_task(self._keep())
        self._market = self._moving(seed)

    async def stand(self) -> None:
        """Set the faults that last as long as the storm; a node that was started anew has forgotten them."""
        for one in self.standing:
            await self.node.fault(
                one.name, methods=one.methods, probability=one.probability, second=one.second, **one.params
            )

    async def ready(self, within: float = 180) -> None:
        """Return once the engine serves again, or could for so long that what it owes shall be judged as it is."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if await asyncio.to_thread(self.engine.ready):
                return
            await asyncio.sleep(0.5)
        self.surprises.append(f"the engine was not ready {within:.0f} s after the faults were over")

    async def stop(self) -> None:
        self._wanted = False
        if self._keeping:
            self._keeping.cancel()
        if self._market:
            self._market.terminate()
            await asyncio.to_thread(self._market.wait, 10)
        if self.engine.process and self.engine.process.poll() is None:
            await asyncio.to_thread(self.engine.stop, within=30)
        if self.adapters:
            await self.adapters.close()
        await self.node.stop()

    def still_market(self) -> None:
        """No price moves from here on."""
        if self._market:
            self._market.terminate()

    def processes(self, target: str) -> list[Process]:
        """The engine's own processes of that name; `postgres` is its first one, `engine` the supervisor."""
        if self.engine.process is None or self.engine.process.poll() is not None:
            return []
        if target == "engine":
            return [Process(self.engine.pid, os.getpid(), "up")]
        below = descendants(self.engine.pid)
        if target == "postgres":
            return [one for one in below if one.parent == self.engine.pid and "/postgres -D" in one.command]
        if target == "valkey":
            return [one for one in below if one.parent == self.engine.pid and "valkey" in one.command]
        return [one for one in below if one.command.split()[-1] == target and one.parent == self.engine.pid]

    def everything(self) -> list[Process]:
        return [*self.processes("engine"), *(descendants(self.engine.pid) if self.processes("engine") else [])]

    def empty_valkey(self) -> None:
        with Redis.from_url(self.addresses["REDIS_URL"], socket_timeout=2, socket_connect_timeout=2) as client:
            client.flushall()

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """To the database, as the application."""
        return psycopg.connect(self.addresses["DATABASE_URL"], autocommit=True, connect_timeout=5)

    def _moving(self, seed: int) -> subprocess.Popen[bytes]:
        """The market outside. It knows the node as it is: only the engine is to suffer."""
        environment = {**self.engine.environment, "SOLANA_RPC_URL": self.node.truth_url}
        command = [str(SUREFILL), "localnet", "market", "--seed", str(seed), "--pairs", "SOL/USDC"]
        with (self.engine.directory / "market.log").open("ab") as log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    async def _keep(self) -> None:
        """Start the engine again where it was killed. An end of its own accord is a surprise, unless it could not start
        for what was in its way, and said so.
        """
        while self._wanted:
            await asyncio.sleep(RESTART_S)
            process = self.engine.process
            if process is not None and process.poll() is not None:
                said = sentences(self.engine.directory / "up.log")
                in_its_way = process.returncode == 1 and said and any(one in said[-1] for one in IN_ITS_WAY)
                if process.returncode != -signal.SIGKILL and not in_its_way:
                    why = f": {said[-1]}" if said else ""
                    self.surprises.append(f"`surefill up` ended by itself with {process.returncode}{why}")
                self.engine.launch()
