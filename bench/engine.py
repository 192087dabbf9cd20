"""An engine of its own for a measurement: `surefill up` on free ports, and commands beside it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from uuid import UUID

import httpx2
import psycopg

from bench.product import connect
from bench.scratch import free_ports
from bench.subject import Ended

READY_WITHIN_S = 120
SUREFILL = Path(sys.executable).with_name("surefill")
ORDER = {"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": "0.1", "type": "market", "slippageBps": 500}
_SQL = Path(__file__).with_name("sql")
_ENDED, _FIRST_SENDS, _MOST_AT_WORK = (
    (_SQL / f"{name}.sql").read_text() for name in ("engine_ended", "first_sends", "most_at_work")
)


@dataclass
class Engine:
    """A running engine; see ``bench.subject.Subject``. ``beside``: processes it needs and didn't start itself,
    which may take orders at ``more_ports``.
    """

    directory: Path
    port: int
    pid: int
    beside: tuple[int, ...] = ()
    more_ports: tuple[int, ...] = ()
    name: str = "surefill"
    body: bytes = field(default_factory=lambda: json.dumps(ORDER).encode())
    path: tuple[str, ...] = ("pending", "routing", "building", "submitted", "confirmed")

    @property
    def ports(self) -> tuple[int, ...]:
        return (self.port, *self.more_ports)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def addresses(self) -> dict[str, str]:
        return addresses(self.directory)

    def connect(self) -> psycopg.Connection:
        return connect(self.addresses["DATABASE_URL"])

    def roots(self) -> list[int]:
        return [self.pid, *self.beside]

    def mark(self) -> EngineMark:
        connection = self.connect()
        row = connection.execute("select position from log_head").fetchone()
        assert row
        return EngineMark(connection, int(row[0]), int(row[0]))


@dataclass
class EngineMark:
    """A position of the log, and what has ended after it."""

    connection: psycopg.Connection
    position: int
    counted: int
    _ended: Ended = field(default_factory=lambda: Ended(0, 0, 0.0))

    def ended(self) -> Ended:
        row = self.connection.execute(_ENDED, {"position": self.counted}).fetchone()
        assert row
        count, failed, last_at, self.counted = row
        known = self._ended
        self._ended = Ended(known.count + count, known.failed + failed, max(known.last_at, last_at))
        return self._ended

    def close(self) -> None:
        self.connection.close()

    def first_sends(self) -> dict[UUID, tuple[float, float]]:
        """When `OrderSubmitted` and when the first `TransactionSubmitted` was recorded, by order, as Unix time."""
        rows = self.connection.execute(_FIRST_SENDS, {"position": self.position})
        return {order: (submitted, sent) for order, submitted, sent in rows if sent is not None}

    def most_at_work(self) -> int:
        """How many orders were on their way at once, at most, by when the log recorded their begin and end."""
        row = self.connection.execute(_MOST_AT_WORK, {"position": self.position}).fetchone()
        assert row
        return int(row[0])


def environment(directory: Path) -> dict[str, str]:
    return {**os.environ, "DATA_DIR": str(directory / "data")}


def surefill(directory: Path, *arguments: str) -> str:
    """What a command beside the engine of ``directory`` prints."""
    command = [str(SUREFILL), *arguments]
    return subprocess.run(command, env=environment(directory), check=True, capture_output=True, text=True).stdout


def addresses(directory: Path) -> dict[str, str]:
    """Where the engine's servers are, by the names of their settings."""
    return dict(line.split("=", 1) for line in surefill(directory, "env").splitlines())


@asynccontextmanager
async def engine(directory: Path, command: Path = SUREFILL, **settings: str) -> AsyncIterator[Engine]:
    """An engine that keeps its data in ``directory``, started by ``command``; its log is ``directory/up.log``."""
    port = free_ports(1)
    told = {**environment(directory), "PORT": str(port), **settings}
    with (directory / "up.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(command, "up", env=told, stdout=log, stderr=log)
        try:
            await _ready(f"http://127.0.0.1:{port}", process, directory / "up.log")
            yield Engine(directory, port, process.pid)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def client(url: str, connections: int = 100) -> httpx2.AsyncClient:
    """A comfortable client of the engine, for what isn't timed."""
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx2.AsyncClient(base_url=url, limits=limits, timeout=60, trust_env=False)


async def _ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(READY_WITHIN_S), httpx2.AsyncClient(trust_env=False) as client:
        while True:
            if process.returncode is not None:
                raise RuntimeError(f"the engine ended with {process.returncode}:\n{log.read_text()[-2000:]}")
            try:
                if (await client.get(f"{url}/health/ready")).status_code == httpx2.codes.OK:
                    return
            except httpx2.HTTPError:
                await asyncio.sleep(0.1)
