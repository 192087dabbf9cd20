"""An engine of its own for a measurement: `surefill up` on free ports, and commands beside it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import httpx2

READY_WITHIN_S = 120


SUREFILL = Path(sys.executable).with_name("surefill")


@contextmanager
def data_directory() -> Iterator[Path]:
    """A directory that the unprivileged user PostgreSQL runs as can reach; removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="surefill-bench-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def free_ports(count: int) -> int:
    """The first of ``count`` ports in a row that nothing listens on."""
    while True:
        with ExitStack() as held:
            first = held.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                for n in range(1, count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port + n))
            except (OSError, OverflowError):
                continue
            return port


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
async def engine(directory: Path, **settings: str) -> AsyncIterator[str]:
    """The address of an engine that keeps its data in ``directory``; its log is ``directory/up.log``."""
    port = free_ports(1)
    told = {**environment(directory), "PORT": str(port), **settings}
    with (directory / "up.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(SUREFILL, "up", env=told, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            await _ready(url, process, directory / "up.log")
            yield url
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def client(url: str, connections: int = 100) -> httpx2.AsyncClient:
    """A client of the engine. It lets a connection go before the server does, after 5 s: a request that met one being
    closed would be lost.
    """
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=2.0)
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
