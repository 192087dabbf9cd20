"""Roles as processes on one set of real servers, each by itself or all in one, so that any of them can die."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psycopg

from tests.chaos.node import FaultyNode
from tests.e2e.engine import SUREFILL
from tests.plain_http import NO_AUTHORITIES
from tests.ports import free_port

# The process that serves the API first.
ROLES = ("api", "projector", "tracker", "watcher", "worker")
CORE = ("core",)


@dataclass
class ProcessHarness:
    """Start it, submit to ``url``, replace a role by one that crashes, and put the role back.

    ``roles`` are its processes: ROLES, or CORE. The chain is ``node``, which is well until a test says otherwise.
    ``settings`` are environment variables.
    """

    directory: Path
    database_url: str
    redis_url: str
    node: FaultyNode
    roles: tuple[str, ...] = ROLES
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def serving(self) -> str:
        """The process that clients meet."""
        return self.roles[0]

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "SUREFILL_SUPERVISED": "1",
            "DATA_DIR": str(self.directory),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "SOLANA_RPC_URL": self.node.url,
            "PORT": str(self.port),
            "PRICE_POLL_MS": "40",
        }
        return {**os.environ, **own, **self.settings}

    def start(self) -> None:
        asyncio.run(self.node.start())
        for role in self.roles:
            self.play(role)
        self._until(self._ready, self.serving, within=120)

    def play(self, role: str, *, crash_at: str | None = None) -> subprocess.Popen[bytes]:
        """Run ``role`` in place of whoever plays it now; ``crash_at`` names the point where it dies."""
        self.end(role)
        plain = [str(SUREFILL), "run", role]
        self._run(role, plain if crash_at is None else [sys.executable, "-m", "tests.chaos.crashing", role, crash_at])
        return self.processes[role]

    def connected(self, role: str, *, within: float = 60) -> None:
        """Return once the process of ``role`` has opened its store, which is a moment before it works."""
        shown = f"surefill % {self.processes[role].pid}"
        with psycopg.connect(self.database_url, autocommit=True) as database:
            query = "select from pg_stat_activity where application_name like %s"
            self._until(lambda: bool(database.execute(query, [shown]).fetchall()), role, within=within)

    def end(self, role: str) -> None:
        process = self.processes.pop(role, None)
        if process:
            process.kill()
            process.wait()

    def stop(self) -> None:
        for role in list(self.processes):
            self.end(role)
        asyncio.run(self.node.stop())

    def move(self, price: str) -> None:
        """Trade SOL/USDC to ``price``, past whatever ails the node."""
        command = [str(SUREFILL), "localnet", "price", "SOL/USDC", price]
        environment = {**self.environment, "SOLANA_RPC_URL": self.node.truth_url}
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)

    def log(self, role: str) -> str:
        return (self.directory / f"{role}.log").read_text(errors="replace")[-3000:]

    async def submit(self, client: httpx2.AsyncClient, terms: dict[str, Any], *, within: float = 30) -> str:
        """Submit until it is accepted, starting the serving process again where it died: the client's own id makes it
        one order.
        """
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            try:
                answer = await client.post("/api/orders/execute", json=terms)
                if answer.status_code == 202:
                    return str(answer.json()["orderId"])
                assert answer.status_code == 503, answer.text
            except httpx2.TransportError:
                await asyncio.sleep(0.1)
            if self.processes[self.serving].poll() is not None:
                self.play(self.serving)
        raise AssertionError(f"not accepted within {within} s\n{self.log(self.serving)}")

    def _run(self, role: str, command: list[str]) -> None:
        with (self.directory / f"{role}.log").open("ab") as log:
            root = Path(__file__).parents[2]
            self.processes[role] = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, cwd=root)

    def _ready(self) -> bool:
        try:
            answer = httpx2.get(f"{self.url}/health/ready", timeout=2, trust_env=False, verify=NO_AUTHORITIES)
        except httpx2.HTTPError:
            return False
        return answer.status_code == 200

    def _until(self, holds: Callable[[], bool], role: str, *, within: float = 30) -> None:
        deadline = time.monotonic() + within
        while not holds():
            assert time.monotonic() < deadline, self.log(role)
            assert self.processes[role].poll() is None, self.log(role)
            time.sleep(0.05)
