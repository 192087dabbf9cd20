"""Stubs of landers, in their documented shapes: one hands what it takes on to the node, unless it swallows everything.

Jito's block engine: https://docs.jito.wtf/lowlatencytxnsend/ (``sendTransaction``: no batches, a named encoding, a tip
of 1,000 lamports, ``x-bundle-id``, 429; ``getTipAccounts``). Helius's Sender: https://www.helius.dev/docs/sending-transactions/sender
(``/fast``: no preflight, no retries, a tip, a price for priority; ``/ping``).
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from solders.transaction import VersionedTransaction

from chains.asked_of_programs import COMPUTE_BUDGET
from tests.stubs.jupiter import serving

SYSTEM = "11111111111111111111111111111111"
TIP_ACCOUNTS = "/api/v1/getTipAccounts"
Problem = str | None


@dataclass
class LanderStub:
    """``answers`` says how: ``lands`` (it hands the bytes to ``node``), ``swallows`` (never an answer), ``pretends``
    (it says that it took them, and drops them), ``busy`` (429), ``page`` (HTML).
    """

    path: str
    refuses: Callable[[LanderStub, bytes, dict[str, Any]], Problem]
    accounts: frozenset[str] = frozenset()
    minimum: int = 0
    node: str = ""
    answers: str = "lands"
    ping_status: int = 200
    url: str = ""
    taken: list[tuple[bytes, dict[str, Any]]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    async def post(self, request: web.Request) -> web.Response:
        asked = json.loads(await request.text())
        if self.answers == "swallows":
            await asyncio.sleep(3_600)
        if self.answers == "busy":
            return web.json_response({"error": "rate limited"}, status=429)
        if self.answers == "page":
            return web.Response(text="<html>maintenance</html>", content_type="text/html")
        if isinstance(asked, list):
            return self._error(None, "batches are not supported")
        text, config = asked["params"]
        transaction = b64decode(text)
        if problem := self.refuses(self, transaction, config):
            self.refused.append(problem)
            return self._error(asked["id"], problem)
        self.taken.append((transaction, config))
        if self.answers == "lands":
            async with aiohttp.ClientSession() as session:
                body = {"jsonrpc": "2.0", "id": 1, "method": "sendTransaction"}
                whole = {"encoding": "base64", "skipPreflight": True}
                await (await session.post(self.node, json={**body, "params": [text, whole]})).read()
        signature = str(VersionedTransaction.from_bytes(transaction).signatures[0])
        answer = {"jsonrpc": "2.0", "result": signature, "id": asked["id"]}
        return web.json_response(answer, headers={"x-bundle-id": "b" * 64})

    async def tip_accounts(self, request: web.Request) -> web.Response:
        asked = json.loads(await request.text())
        return web.json_response({"jsonrpc": "2.0", "result": sorted(self.accounts), "id": asked["id"]})

    async def ping(self, _: web.Request) -> web.Response:
        return web.Response(text="ok", status=self.ping_status)

    def _error(self, asked: Any, message: str) -> web.Response:
        return web.json_response({"jsonrpc": "2.0", "error": {"code": -32602, "message": message}, "id": asked})

    def tip_in(self, transaction: bytes) -> int:
        """What it pays to the lander's accounts, named in the message itself, in lamports."""
        return sum(lamports for account, lamports in _transfers(transaction) if account in self.accounts)


def jito_stub(accounts: tuple[str, ...], node: str) -> LanderStub:
    return LanderStub("/api/v1/transactions", _jito_refuses, frozenset(accounts), minimum=1_000, node=node)


def sender_stub(accounts: tuple[str, ...], node: str, *, minimum: int = 200_000) -> LanderStub:
    return LanderStub("/fast", _sender_refuses, frozenset(accounts), minimum=minimum, node=node)


@asynccontextmanager
async def landers(*stubs: LanderStub) -> AsyncIterator[None]:
    """They listen, each at its ``url``."""
    async with AsyncExitStack() as stack:
        for stub in stubs:
            routes = (
                web.post(stub.path, stub.post),
                web.post(TIP_ACCOUNTS, stub.tip_accounts),
                web.get("/ping", stub.ping),
            )
            stub.url = await stack.enter_async_context(serving(stub, *routes)) + stub.path
        yield


def _jito_refuses(stub: LanderStub, transaction: bytes, config: dict[str, Any]) -> Problem:
    if config.get("encoding") != "base64":
        return "the encoding is base58 where none is named"
    return None if stub.tip_in(transaction) >= stub.minimum else "a tip of at least 1000 lamports is needed"


def _sender_refuses(stub: LanderStub, transaction: bytes, config: dict[str, Any]) -> Problem:
    if config != {"encoding": "base64", "skipPreflight": True, "maxRetries": 0}:
        return "skipPreflight must be true and maxRetries 0"
    if stub.tip_in(transaction) < stub.minimum:
        return f"transaction must send a tip of at least {stub.minimum} lamports"
    message = VersionedTransaction.from_bytes(transaction).message
    budget = [step for step in message.instructions if message.account_keys[step.program_id_index] == COMPUTE_BUDGET]
    prices = [int.from_bytes(bytes(step.data)[1:], "little") for step in budget if bytes(step.data)[:1] == b"\x03"]
    return None if any(prices) else "a priority fee is needed"


def _transfers(transaction: bytes) -> Iterator[tuple[str, int]]:
    message = VersionedTransaction.from_bytes(transaction).message
    for step in message.instructions:
        data, accounts = bytes(step.data), bytes(step.accounts)
        is_system = str(message.account_keys[step.program_id_index]) == SYSTEM
        if is_system and data[:4] == b"\x02\x00\x00\x00" and accounts[1] < len(message.account_keys):
            yield str(message.account_keys[accounts[1]]), int.from_bytes(data[4:12], "little")
