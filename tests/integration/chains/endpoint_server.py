"""A real HTTP server that answers as an RPC endpoint does on its bad days, or as a node does, with changes.

A live endpoint's failures can't be produced on demand: these are the same bytes on a real socket.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2

Request = dict[str, Any]
Answer = Callable[[Request], Awaitable[bytes | None]]
Alter = Callable[[Request, Any], Any]


def http(
    body: bytes, status: str = "200 OK", content_type: str = "application/json", length: int | None = None
) -> bytes:
    """A whole HTTP answer; ``length`` larger than the body is an answer that breaks off."""
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n"
    return head.encode() + body


def rpc(request: Request, **result_or_error: Any) -> bytes:
    return http(json.dumps({"jsonrpc": "2.0", "id": request["id"], **result_or_error}).encode())


def always(answer: bytes | None) -> Answer:
    """The same bytes whatever is asked; None: no answer until the caller leaves."""

    async def respond(_: Request) -> bytes | None:
        return answer

    return respond


def altering(node: httpx2.AsyncClient, changes: Mapping[str, Alter]) -> Answer:
    """What the node answers to a client of its address, the results of some methods changed on their way."""

    async def respond(request: Request) -> bytes:
        answers = (await node.post("/", json=request)).json()
        asked = {call["id"]: call for call in (request if isinstance(request, list) else [request])}
        for answer in answers if isinstance(answers, list) else [answers]:
            call = asked[answer["id"]]
            alter = changes.get(call["method"])
            if alter and "result" in answer:
                answer["result"] = alter(call, answer["result"])
        return http(json.dumps(answers).encode())

    return respond


@asynccontextmanager
async def serving(answer: Answer, *, port: int = 0) -> AsyncIterator[str]:
    """The address at which ``answer`` is given to every POST, a connection each; any free ``port`` where it is 0."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        body = await answer(json.loads(await reader.readexactly(length)))
        if body is None:
            await reader.read()
        else:
            writer.write(body)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()
