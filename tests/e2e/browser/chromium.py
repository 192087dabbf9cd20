"""A headless Chromium, spoken to in its DevTools protocol: as much of it as these tests need."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
FOREIGN = "foreign.example"
"""A name that leads to this machine, and that nobody has told the engine."""

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server"),
    # A browser without a network: every other name leads nowhere.
    f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    *("--remote-debugging-port=0", "--window-size=1280,1000"),
)


class Page:
    """One tab. ``requests`` are the addresses it asked for, ``complaints`` what its console holds against the page."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.requests: list[str] = []
        self.complaints: list[str] = []

    async def read(self) -> None:
        """Take in what the browser says, for as long as the tab lives."""
        async for text in self._connection:
            said = json.loads(text)
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
                continue
            match said["method"], said["params"]:
                case "Network.requestWillBeSent", {"request": request}:
                    self.requests.append(request["url"])
                case "Network.webSocketCreated", {"url": url}:
                    self.requests.append(url)
                case "Log.entryAdded", {"entry": entry}:
                    self.complaints.append(f"{entry['text']} {entry.get('url', '')}")
                case "Runtime.consoleAPICalled", {"type": "error", "args": arguments}:
                    self.complaints.append(" ".join(str(one.get("description", one.get("value"))) for one in arguments))
                case "Runtime.exceptionThrown", {"exceptionDetails": details}:
                    self.complaints.append(json.dumps(details))

    async def command(self, method: str, **parameters: object) -> dict[str, Any]:
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        answer = await asyncio.wait_for(self._answers[number], 30)
        assert "error" not in answer, (method, answer)
        return dict(answer["result"])

    async def open(self, url: str) -> None:
        await self.command("Page.navigate", url=url)
        await self.until(f"document.readyState === 'complete' && location.href.startsWith({json.dumps(url)})")

    async def evaluate(self, script: str) -> Any:
        """The value of ``script``, awaited where it is a promise."""
        result = await self.command("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def until(self, script: str, *, within: float = 30) -> None:
        """Wait until ``script`` is true."""
        deadline = time.monotonic() + within
        while not await self.evaluate(f"!!({script})"):
            assert time.monotonic() < deadline, f"never true: {script}; {self.complaints}"
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def tab(profile: Path) -> AsyncIterator[Page]:
    """A fresh browser with the empty directory ``profile``, and a tab in it."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    assert program, "no Chromium here: apt-get install chromium"
    command = [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with (profile / "browser.log").open("wb") as log:
        browser = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    try:
        async with connect(await _address(profile), max_size=None, proxy=None) as connection:
            page = Page(connection)
            reading = asyncio.create_task(page.read())
            try:
                for domain in ("Page", "Runtime", "Network", "Log"):
                    await page.command(f"{domain}.enable")
                yield page
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
    finally:
        with contextlib.suppress(ProcessLookupError):
            browser.terminate()
        await asyncio.wait_for(browser.wait(), 10)


async def _address(profile: Path) -> str:
    """Where the first tab listens; the browser writes its port into its profile."""
    deadline = time.monotonic() + 60
    async with httpx2.AsyncClient(trust_env=False) as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(FileNotFoundError, IndexError, ValueError, httpx2.TransportError):
                port = int((profile / "DevToolsActivePort").read_text().split()[0])
                tabs = (await client.get(f"http://127.0.0.1:{port}/json/list")).json()
                return next(str(one["webSocketDebuggerUrl"]) for one in tabs if one["type"] == "page")
            await asyncio.sleep(0.1)
    raise AssertionError(f"the browser did not start: {(profile / 'browser.log').read_text()[-2000:]}")
