"""A whole engine, started as a user starts it, and a client that speaks to it as a stranger would."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import connect

from tests.integration.warm import commands
from tests.plain_http import NO_AUTHORITIES
from tests.ports import free_port
from tests.skipping import hurried_by_a_thread

ENDED = ("confirmed", "failed", "cancelled")
STORY = ["pending", "routing", "building", "submitted", "confirmed"]
SUREFILL = Path(sys.executable).with_name("surefill")


def body(**changes: object) -> dict[str, object]:
    return {"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": "0.5", "type": "market", "slippageBps": 100, **changes}


@dataclass
class Engine:
    """`surefill up` on a free port with its data in ``directory``. ``settings`` are environment variables."""

    directory: Path
    settings: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = (str(SUREFILL), "up")
    process: subprocess.Popen[bytes] | None = None
    port: int = 0

    def __post_init__(self) -> None:
        self.port = free_port()

    @property
    def environment(self) -> dict[str, str]:
        own = {"PORT": str(self.port), "DATA_DIR": str(self.directory / "data")}
        return {**os.environ, **own, **self.settings}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def launch(self) -> subprocess.Popen[bytes]:
        """Start it without waiting until it is ready."""
        with (self.directory / "up.log").open("ab") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=log, stderr=log)
        return self.process

    def start(self, *, within: float = 60) -> None:
        self.process = self.launch()
        deadline = time.monotonic() + within
        while not self.ready():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, f"not ready within {within} s\n{self.log()}"
            time.sleep(0.1)

    def ready(self) -> bool:
        try:
            answer = httpx2.get(f"{self.url}/health/ready", timeout=2, trust_env=False, verify=NO_AUTHORITIES)
        except httpx2.HTTPError:
            return False
        return answer.status_code == 200

    def stop(self, number: signal.Signals = signal.SIGTERM, *, within: float = 30) -> int:
        """End the engine and return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(within)

    def log(self) -> str:
        return (self.directory / "up.log").read_text(errors="replace")[-8000:]

    def run(self, *arguments: str, within: float = 60) -> subprocess.CompletedProcess[str]:
        """A `surefill` command beside the running engine."""
        return commands().run(*arguments, env=self.environment, cwd=self.directory, within=within)

    def run_hurried(self, *arguments: str, within: float = 60) -> subprocess.CompletedProcess[str]:
        """One that waits for blocks of the local chain."""
        network = httpx2.get(f"{self.url}/api/network", timeout=10, trust_env=False, verify=NO_AUTHORITIES).json()
        with hurried_by_a_thread(network["rpcUrl"]):
            return self.run(*arguments, within=within)

    def addresses(self) -> dict[str, str]:
        shown = self.run("env", "--owner")
        assert shown.returncode == 0, shown.stderr
        return dict(line.split("=", 1) for line in shown.stdout.splitlines() if "=" in line)

    def client(self) -> httpx2.AsyncClient:
        limits = httpx2.Limits(max_connections=64, max_keepalive_connections=64)
        return httpx2.AsyncClient(base_url=self.url, timeout=30, trust_env=False, limits=limits, verify=NO_AUTHORITIES)

    async def watch(self, order_id: str, query: str = "") -> list[dict[str, Any]]:
        """Every message of the order's stream until the server closes it."""
        messages = []
        async with connect(f"ws://127.0.0.1:{self.port}/ws/orders/{order_id}{query}") as stream:
            async for message in stream:
                messages.append(json.loads(message))
        assert stream.close_code == 1000, stream.close_reason
        return messages


async def submit(client: httpx2.AsyncClient, **changes: object) -> str:
    answer = await client.post("/api/orders/execute", json=body(**changes))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["orderId"])


async def ended(client: httpx2.AsyncClient, order_ids: list[str], *, within: float = 60) -> dict[str, dict[str, Any]]:
    """The orders once all of them have ended, by id."""
    found: dict[str, dict[str, Any]] = {}
    async with asyncio.timeout(within):
        while waiting := [order_id for order_id in order_ids if order_id not in found]:
            for order_id in waiting:
                try:
                    answer = await client.get(f"/api/orders/{order_id}")
                except httpx2.TransportError:
                    break
                if answer.status_code == 200 and answer.json()["status"] in ENDED:
                    found[order_id] = answer.json()
            await asyncio.sleep(0.1)
    return found


async def story(client: httpx2.AsyncClient, order_id: str) -> list[dict[str, Any]]:
    """The order's events, the first to the last."""
    return list((await client.get(f"/api/orders/{order_id}/events?limit=200")).json()["items"])
