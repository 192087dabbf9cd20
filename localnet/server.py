"""JSON-RPC 2.0 over HTTP, a bare ASGI application: one request or a batch in a POST, never a stack trace back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from traceback import format_tb
from typing import Any

import orjson
import structlog

from localnet.block_clock import BlockClock
from localnet.errors import RpcError
from localnet.rpc import METHODS
from localnet.rpc.node import Node
from localnet.rpc.params import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, Params

log = structlog.get_logger(__name__)

BODY_LIMIT = 512 * 1024
_BATCH_LIMIT = 1000

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class RpcServer:
    """The ASGI application. Methods run to their end one after another: each sees the chain between two changes.

    ``clock`` makes the blocks; without one whoever has the chain makes them.
    """

    def __init__(self, node: Node, clock: BlockClock | None = None) -> None:
        self._node = node
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] == "GET" and scope["path"] == "/health":
            await _respond(send, 200, b"ok", b"text/plain")
        elif scope["method"] != "POST":
            await _respond(send, 405, b"Used HTTP Method is not allowed. POST or OPTIONS is required", b"text/plain")
        elif not _is_json(scope):
            refusal = RpcError(INVALID_REQUEST, "Content-Type: application/json is required")
            await _respond(send, 415, orjson.dumps(_failure(None, refusal)), b"application/json")
        else:
            body = await _body(receive)
            if body is None:
                await _respond(send, 413, b"request body too large", b"text/plain")
            else:
                await _respond(send, 200, self.answer(body), b"application/json")

    def answer(self, body: bytes) -> bytes:
        """The answer to a request body; empty where the request asks for none."""
        if self._clock is None:
            return self._answer(body)
        self._clock.before_request()
        try:
            return self._answer(body)
        finally:
            self._clock.after_request()

    def _answer(self, body: bytes) -> bytes:
        try:
            request = orjson.loads(body)
        except orjson.JSONDecodeError:
            return orjson.dumps(_failure(None, RpcError(PARSE_ERROR, "Parse error")))
        if not isinstance(request, list):
            single = self._answer_one(request)
            return b"" if single is None else orjson.dumps(single)
        if not 1 <= len(request) <= _BATCH_LIMIT:
            return orjson.dumps(_failure(None, RpcError(INVALID_REQUEST, "Invalid request")))
        answers = [answer for item in request if (answer := self._answer_one(item)) is not None]
        return orjson.dumps(answers) if answers else b""

    def _answer_one(self, request: object) -> dict[str, Any] | None:
        if not isinstance(request, dict):
            return _failure(None, RpcError(INVALID_REQUEST, "Invalid request"))
        identity = request.get("id")
        if not (identity is None or isinstance(identity, str | int | float)):
            return _failure(None, RpcError(INVALID_REQUEST, "Invalid request"))
        try:
            answer = {"jsonrpc": "2.0", "result": self._call(request), "id": identity}
        except RpcError as error:
            answer = _failure(identity, error)
        # JSON-RPC: a request without an id is a notification and gets no answer.
        return answer if "id" in request else None

    def _call(self, request: dict[str, Any]) -> Any:
        name, values = request.get("method"), request.get("params")
        if not isinstance(name, str):
            raise RpcError(INVALID_REQUEST, "Invalid request")
        method = METHODS.get(name)
        if method is None:
            raise RpcError(METHOD_NOT_FOUND, "Method not found")
        if values is not None and not isinstance(values, list):
            raise RpcError(INVALID_PARAMS, "Invalid params: parameters are a list.")
        try:
            return method(self._node, Params(values or []))
        except RpcError:
            raise
        except Exception as error:
            # Where it happened, without the values: a transaction's bytes have no place in a log.
            log.error("rpc method failed", method=name, error=type(error).__name__, at=format_tb(error.__traceback__))
            raise RpcError(INTERNAL_ERROR, "Internal error") from error


def _failure(identity: object, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": error.as_json(), "id": identity}


def _is_json(scope: Scope) -> bool:
    """Any page may make a browser post a form or plain text; for JSON the browser asks us first (CORS)."""
    types = [value for name, value in scope["headers"] if name == b"content-type"]
    return len(types) == 1 and types[0].partition(b";")[0].strip().lower() == b"application/json"


async def _body(receive: Receive) -> bytes | None:
    """The whole request body, or None past the limit."""
    parts, size = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= BODY_LIMIT:
            parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts) if size <= BODY_LIMIT else None


async def _respond(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
