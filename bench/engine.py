"""An engine of its own for a measurement: `surefill up` on a free port."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

READY_WITHIN_S = 120


@asynccontextmanager
async def engine(directory: Path) -> AsyncIterator[str]:
    """The address of an engine that keeps its data in ``directory``; its log is ``directory/up.log``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PORT": str(port), "DATA_DIR": str(directory / "data")}
    surefill = Path(sys.executable).with_name("surefill")
    with (directory / "up.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(surefill, "up", env=environment, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            await _ready(url, process, directory / "up.log")
            yield url
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


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
