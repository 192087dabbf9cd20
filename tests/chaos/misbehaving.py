"""The real local node behind an application that misbehaves as it is told to.

``/`` is the node as clients see it, ``/truth`` the node as it is, ``/chaos`` where faults are set:
GET what is active and what was done, POST a fault, DELETE one or all, POST ``/chaos/fork``, POST ``/chaos/blocks``.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from base64 import b64decode
from collections import Counter
from dataclasses import asdict
from typing import Any, TextIO

from solders.transaction import VersionedTransaction

from localnet.errors import IrreversibleBlockError, RpcError
from localnet.rpc.node import Node
from localnet.server import Receive, RpcServer, Scope, Send
from tests.chaos.faults import Fault, Faults
from tests.chaos.views import BLOCK_ERRORS, VIEWS

FIRST_SENDS = "first-sends.log"
HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"

# Errors of a node in trouble, as Agave words them.
ERRORS: dict[int, tuple[str, Any]] = {
    -32005: ("Node is behind by 42 slots", {"numSlotsBehind": 42}),
    -32002: (
        "Transaction simulation failed: Blockhash not found",
        {"accounts": None, "err": "BlockhashNotFound", "logs": [], "unitsConsumed": 0, "returnData": None},
    ),
    -32603: ("Internal error", None),
    -32016: ("Minimum context slot has not been reached", {"contextSlot": 1}),
}


class Silence(Exception):
    """No answer is given while the client waits for one."""


class Answered(Exception):
    """Something other than JSON-RPC is answered."""

    def __init__(self, status: int, body: bytes, content_type: bytes) -> None:
        super().__init__(status)
        self.status, self.body, self.content_type = status, body, content_type


class MisbehavingNode:
    """The application. Transactions that are delayed or doubled are run after later blocks by ``close_block``.

    ``sends`` is a file that is told when a signature was first seen, whatever then became of it. Several of them, each
    with faults of its own, may serve one ``node``.
    """

    def __init__(self, node: Node, sends: TextIO) -> None:
        self._chain = node.chain
        self._sends = sends
        self._sent: set[str] = set()
        self._server = RpcServer(node)
        self._faults = Faults()
        self._calls: Counter[str] = Counter()
        self._waiting: list[tuple[int, bytes]] = []

    @property
    def stalled(self) -> bool:
        return self._faults.strikes_block("stall") is not None

    def close_block(self) -> None:
        """Close a block, run what is due after it, and let a fork drop it where one strikes."""
        self._chain.close_block()
        self.run_due()
        if fork := self._faults.strikes_block("fork"):
            self._drop(fork.params)

    def run_due(self) -> None:
        """Run what was to wait for the block that was closed just now."""
        due = [body for blocks, body in self._waiting if blocks <= 1]
        self._waiting = [(blocks - 1, body) for blocks, body in self._waiting if blocks > 1]
        for body in due:
            self._server.answer(body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/truth":
            await self._server(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            return  # whoever asked was killed in mid-sentence
        if scope["path"].startswith("/chaos"):
            answer = json.dumps(self._control(scope["method"], scope["path"], json.loads(body or b"{}"))).encode()
            await _respond(send, 200, answer)
            return
        try:
            await _respond(send, 200, await self._answer(json.loads(body)))
        except Answered as other:
            await _respond(send, other.status, other.body, other.content_type)
        except Silence:
            while (await receive())["type"] != "http.disconnect":
                pass

    async def _answer(self, request: Any) -> bytes:
        if isinstance(request, list):
            return b"[" + b",".join([await self._answer(one) for one in request]) + b"]"
        self._calls[request["method"]] += 1
        if request["method"] == "sendTransaction":
            self._note(request)
        views: list[Fault] = []
        after: list[Fault] = []
        for fault in self._faults.striking(request["method"]):
            if fault.name in VIEWS:
                views.append(fault)
            elif fault.name == "half" or (fault.name in ("timeout", "http", "error") and fault.params.get("executed")):
                after.append(fault)
            elif (instead := await self._instead(fault, request)) is not None:
                return instead
        body = self._server.answer(json.dumps(request).encode())
        if views:
            body = self._viewed(request, json.loads(body), views)
        for fault in after:
            if fault.name == "half":
                raise Answered(200, body[: len(body) // 2], b"application/json")
            if (instead := await self._instead(fault, request)) is not None:
                return instead
        return body

    async def _instead(self, fault: Fault, request: dict[str, Any]) -> bytes | None:
        """What ``fault`` answers in the node's place; None where the node is to answer itself."""
        params = fault.params
        match fault.name:
            case "error":
                return _json(request, error=_error(params["code"], request))
            case "http":
                raise Answered(params["status"], b"", b"text/plain")
            case "html":
                raise Answered(200, HTML, b"text/html")
            case "timeout":
                raise Silence
            case "slow":
                await asyncio.sleep(params["by"])
            case "drop":
                is_spared = "attempt" in params and not _is_attempt(request, params["attempt"])
                return None if is_spared else self._accepted(request)
            case "delay":
                self._waiting.append((params["blocks"], json.dumps(request).encode()))
                return self._accepted(request)
            case "duplicate":
                body = json.dumps(request).encode()
                self._waiting += [(blocks, body) for blocks in range(1, params.get("times", 3) + 1)]
        return None

    def _viewed(self, request: dict[str, Any], answer: dict[str, Any], views: list[Fault]) -> bytes:
        try:
            for fault in views:
                if "result" in answer:
                    changed = VIEWS[fault.name](self._chain, request, answer["result"], fault.params)
                    answer = answer | {"result": changed}
        except RpcError as error:
            return _json(request, error=error.as_json())
        return json.dumps(answer).encode()

    def _note(self, request: dict[str, Any]) -> None:
        signature = _signature(request)
        # Of a transaction that carries an order's memo: the canary guard's is no order's.
        if signature not in self._sent and b"surefill:" in b64decode(request["params"][0]):
            self._sent.add(signature)
            print(signature, time.time(), file=self._sends, flush=True)

    def _accepted(self, request: dict[str, Any]) -> bytes:
        """What a node says that takes a transaction in, whatever becomes of it."""
        return _json(request, result=_signature(request))

    def _control(self, method: str, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        match method, path:
            case "POST", "/chaos":
                return {"fault": self._faults.set(Fault(**asked))}
            case "DELETE", "/chaos":
                self._faults.clear(asked.get("fault"))
                return {}
            case "POST", "/chaos/fork":
                return {"dropped": self._drop(asked)}
            case "POST", "/chaos/blocks":
                for _ in range(asked["count"]):
                    self.close_block()
                return {}
        active = {str(number): asdict(fault) for number, fault in self._faults.active().items()}
        return {"active": active, "struck": dict(self._faults.struck), "calls": dict(self._calls)}

    def _drop(self, asked: dict[str, Any]) -> bool:
        try:
            self._chain.drop_blocks(asked.get("count", 1), confirmed=asked.get("confirmed", False))
        except IrreversibleBlockError:
            return False
        return True


def _signature(request: dict[str, Any]) -> str:
    return str(VersionedTransaction.from_bytes(b64decode(request["params"][0])).signatures[0])


def _is_attempt(request: dict[str, Any], number: int) -> bool:
    """Whether the transaction's memo names that attempt of an order."""
    found = re.search(rb"surefill:[0-9a-f-]{36}:(\d+)", b64decode(request["params"][0]))
    return found is not None and int(found[1]) == number


def _error(code: int, request: dict[str, Any]) -> dict[str, Any]:
    if code in BLOCK_ERRORS:
        slot = request["params"][0] if isinstance((request.get("params") or [None])[0], int) else 0
        return {"code": code, "message": BLOCK_ERRORS[code].format(slot=slot, first=slot + 1)}
    message, data = ERRORS[code]
    return {"code": code, "message": message} | ({} if data is None else {"data": data})


def _json(request: dict[str, Any], **answer: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": request.get("id"), **answer}).encode()


async def _body(receive: Receive) -> bytes | None:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _respond(send: Send, status: int, body: bytes, content_type: bytes = b"application/json") -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
