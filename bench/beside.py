"""Processes that a lane starts beside an engine, or in place of its parts, and how it waits until they answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

READY_WITHIN_S = 120
HEALTH: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "getHealth"}


@asynccontextmanager
async def started(
    command: tuple[str, ...],
    log: Path,
    url: str,
    *,
    body: dict[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[int]:
    """The process id of ``command``, once ``url`` answers 200 to a GET, or to a POST of ``body``; ended at the end.

    Raises RuntimeError where it ends before, TimeoutError where it never answers.
    """
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(*command, stdout=said, stderr=said, env=environment)
        try:
            async with asyncio.timeout(READY_WITHIN_S), httpx2.AsyncClient(trust_env=False) as client:
                while not await _answers(client, url, body):
                    if process.returncode is not None:
                        raise RuntimeError(f"{command[-1]} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
                    await asyncio.sleep(0.1)
            yield process.pid
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _answers(client: httpx2.AsyncClient, url: str, body: Mapping[str, Any] | None) -> bool:
    try:
        answer = await (client.get(url) if body is None else client.post(url, json=body))
    except httpx2.HTTPError:
        return False
    return answer.status_code == httpx2.codes.OK
