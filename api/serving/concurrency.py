"""How many HTTP requests are at work at once; WebSockets don't count."""

from __future__ import annotations

from api.serving.refusal import Application, Message, Receive, Refusal, Send

AT_ONCE = 1000

OVERLOADED = Refusal(503, "overloaded", "Too many requests are at work; nothing was recorded.", retry_after=1)


def at_most(app: Application, requests: int = AT_ONCE) -> Application:
    """``app``, with 503 for a request beyond so many.

    A request counts once its body is whole: whoever sends slowly keeps nobody else out. The server bounds the body.
    """
    working = 0

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        nonlocal working
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        if scope["method"] not in {"GET", "HEAD", "OPTIONS"}:
            body = await _whole_body(receive)
            if body is None:
                return
            receive = _first(body, receive)
        if working >= requests:
            await OVERLOADED.send(scope, send)
            return
        working += 1
        try:
            await app(scope, receive, send)
        finally:
            working -= 1

    return application


async def _whole_body(receive: Receive) -> bytes | None:
    """None where the client left before the end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _first(body: bytes, receive: Receive) -> Receive:
    """``receive``, which gives ``body`` before anything else."""
    given = False

    async def received() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return received
