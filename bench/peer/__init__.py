"""The peer: the same job in Node on Fastify, BullMQ and PostgreSQL (`server.js`), run and measured beside the engine.

Its PostgreSQL and Valkey are the engine's own embedded ones, with the same settings, in processes of their own.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx2
import psycopg

from bench.product import postgres_alone, valkey_alone
from bench.scratch import free_ports
from bench.subject import Ended

HERE = Path(__file__).parent
SERVER = HERE / "server.js"
WARM_ORDERS = 10_000
READY_WITHIN_S = 30
_ENDED = (HERE.parent / "sql" / "peer_ended.sql").read_text()
_ORDER = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": 0.1}


class NoPeer(Exception):
    """Why there is none, in a sentence."""


@dataclass
class Peer:
    """A running peer; see ``bench.subject.Subject``."""

    port: int
    pids: tuple[int, ...]
    database_url: str
    name: str = "peer"
    body: bytes = json.dumps(_ORDER).encode()
    path: tuple[str, ...] = ()

    @property
    def ports(self) -> tuple[int, ...]:
        return (self.port,)

    def roots(self) -> tuple[int, ...]:
        return self.pids

    def mark(self) -> PeerMark:
        connection = psycopg.connect(self.database_url, autocommit=True)
        row = connection.execute("select clock_timestamp()").fetchone()
        assert row
        return PeerMark(connection, row[0])


@dataclass(frozen=True, slots=True)
class PeerMark:
    connection: psycopg.Connection
    since: datetime

    def ended(self) -> Ended:
        row = self.connection.execute(_ENDED, {"since": self.since}).fetchone()
        assert row
        return Ended(row[0], 0, row[1])

    def close(self) -> None:
        self.connection.close()


async def install() -> None:
    """Its packages, in the exact versions of `package.json`, where they are not there yet. Raises NoPeer."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise NoPeer("node and npm are not installed")
    if (HERE / "node_modules" / "fastify").exists():
        return
    command = ("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
    npm = await asyncio.create_subprocess_exec(
        *command, cwd=HERE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await npm.communicate()
    if npm.returncode:
        raise NoPeer(f"npm install ended with {npm.returncode}: {said.decode(errors='replace').strip()[-300:]}")


@asynccontextmanager
async def peer(directory: Path) -> AsyncIterator[Peer]:
    """A peer that keeps its data in ``directory`` and is not warm yet. Raises NoPeer."""
    await install()
    port = free_ports(1)
    async with AsyncExitStack() as stack:
        server, postgres_pid = await stack.enter_async_context(postgres_alone(directory / "data"))
        redis_url, valkey_pid = await stack.enter_async_context(valkey_alone(directory / "data"))
        environment = {**os.environ, "DATABASE_URL": server.owner_url, "REDIS_URL": redis_url, "PORT": str(port)}
        pids = [postgres_pid, valkey_pid]
        for role in ("api", "worker"):
            pids.append(await stack.enter_async_context(_process(role, environment, directory / f"{role}.log")))
            await _ready(port, directory / "api.log")
        yield Peer(port, tuple(pids), server.owner_url)


@asynccontextmanager
async def _process(role: str, environment: dict[str, str], log_file: Path) -> AsyncIterator[int]:
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "node", str(SERVER), role, env=environment, stdout=log, stderr=log
        )
        try:
            yield process.pid
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _ready(port: int, log: Path) -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        for _ in range(READY_WITHIN_S * 10):
            try:
                (await client.get(f"http://127.0.0.1:{port}/health/ready")).raise_for_status()
                return
            except httpx2.HTTPError:
                await asyncio.sleep(0.1)
    raise NoPeer(f"it did not start: {log.read_text()[-300:]}")
