"""A local chain in a process of its own whose node misbehaves as a test tells it to."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2

from tests.chaos.misbehaving import FIRST_SENDS
from tests.ports import free_port

_ROOT = Path(__file__).parents[2]
_DEADLINE = 20.0
# A node that was killed reads its ledger first, on a machine that may have more to do.
_STARTS_WITHIN = 120.0


class FaultyNode:
    """The node whose chain is kept in ``directory`` and funds ``wallet`` (base58). ``url`` is what clients are given.

    Faults are forgotten when it ends. They are, by name, with their own parameters:

    - ``error`` (``code``), ``http`` (``status``), ``html``, ``half`` (of the JSON), ``slow`` (``by`` seconds),
      ``timeout``; with ``executed=True`` on error, http and timeout the call is carried out before
    - ``drop`` (``attempt``: those of that number alone), ``delay`` (``blocks``), ``duplicate`` (``times``) of
      transactions; the node says it took them
    - ``blind``: null for what landed; ``behind`` (``slots``): statuses; ``stale`` (``slots``): heights; ``purged``
      (``keeps`` slots, ``code`` for a block before them); ``genesis``: another chain's
    - ``stall``: no blocks; ``fork`` (``confirmed``): drops the newest block
    - the lies ``denies``, ``fails``, ``guardless`` (``share``, ``salt``), ``ahead`` and ``short`` (``blocks``),
      ``over``: see ``views``

    With ``two_endpoints`` there is another one, ``second_url``, of the same chain, which has faults of its own.
    """

    def __init__(self, directory: Path, wallet: str, *, slot_ms: int = 20, two_endpoints: bool = False) -> None:
        self.directory = directory
        self.wallet = wallet
        self.slot_ms = slot_ms
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.truth_url = f"{self.url}/truth"
        self._second_port = free_port() if two_endpoints else None
        self.second_url = f"http://127.0.0.1:{self._second_port}" if two_endpoints else None
        self._process: subprocess.Popen[bytes] | None = None
        self._http = httpx2.Client(base_url=self.url, timeout=_DEADLINE, trust_env=False)

    async def start(self) -> None:
        """Start it and wait until it answers; after ``kill`` it goes on with the same chain."""
        process = self._process = self._launched()
        async with asyncio.timeout(_STARTS_WITHIN):
            while True:
                assert process.poll() is None, "the node ended"
                try:
                    await self.report()
                except httpx2.TransportError:
                    await asyncio.sleep(0.02)
                else:
                    return

    async def stop(self) -> None:
        await self._end(signal.SIGTERM)
        self._http.close()

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stand still, connections open, until ``resume``."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def first_sends(self) -> dict[str, float]:
        """By signature, the unix time at which the node first saw its transaction; it outlives the node."""
        found: dict[str, float] = {}
        with suppress(FileNotFoundError):
            for line in (self.directory / FIRST_SENDS).read_text().splitlines():
                signature, _, at = line.partition(" ")
                found.setdefault(signature, float(at))
        return found

    async def fault(
        self,
        name: str,
        *,
        methods: tuple[str, ...] = (),
        probability: float = 1.0,
        seed: int = 0,
        seconds: float | None = None,
        second: bool = False,
        **params: Any,
    ) -> int:
        """Set a fault from now on, or for ``seconds``, of the ``second`` endpoint or the first; returns what ``clear``
        takes. No methods: those it is about.
        """
        asked = {"name": name, "methods": methods, "probability": probability, "seed": seed, "seconds": seconds}
        return int((await self._ask("POST", "/chaos", {**asked, "params": params}, second=second))["fault"])

    async def clear(self, fault: int | None = None) -> None:
        """End one fault of the first endpoint, or all of each."""
        await self._ask("DELETE", "/chaos", {"fault": fault})
        if fault is None and self.second_url:
            await self._ask("DELETE", "/chaos", {"fault": None}, second=True)

    async def fork(self, count: int = 1, *, confirmed: bool = False) -> bool:
        """Drop the newest blocks; False where they are too settled for that."""
        return bool((await self._ask("POST", "/chaos/fork", {"count": count, "confirmed": confirmed}))["dropped"])

    async def blocks(self, count: int) -> None:
        """Close so many blocks at once, even where they are stalled."""
        await self._ask("POST", "/chaos/blocks", {"count": count})

    async def report(self, *, second: bool = False) -> dict[str, Any]:
        """``active`` faults, how often each kind ``struck``, and ``calls`` by method, of an endpoint."""
        return await self._ask("GET", "/chaos", {}, second=second)

    async def truth(self, method: str, *params: Any) -> Any:
        """What the node really knows."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return (await self._ask("POST", "/truth", body))["result"]

    def _launched(self) -> subprocess.Popen[bytes]:
        ports = [str(port) for port in (self.port, self._second_port) if port is not None]
        arguments = [str(self.directory), self.wallet, str(self.slot_ms), *ports]
        return subprocess.Popen([sys.executable, "-m", "tests.chaos.node_process", *arguments], cwd=_ROOT)

    async def _ask(self, method: str, path: str, body: dict[str, Any], *, second: bool = False) -> dict[str, Any]:
        # In a thread, because one node serves several tests, each with an event loop of its own.
        base = self.second_url if second else self.url
        answer = await asyncio.to_thread(self._http.request, method, f"{base}{path}", json=body)
        answer.raise_for_status()
        return dict(answer.json())

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    async def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            await asyncio.to_thread(self._process.wait, _DEADLINE)
            self._process = None
