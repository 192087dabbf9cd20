"""What a request is answered that was still at work when the server had waited long enough to stop."""

from __future__ import annotations

import asyncio

from api.serving.refusal import Application, Message, Receive, Refusal, Send

READ = Refusal(503, "stopping", "The engine stops; ask it again.", retry_after=1)
REPEATABLE = Refusal(
    503,
    "stopping",
    "The engine stopped before it could answer, and may have recorded this. Send the same again: it is done once.",
    retry_after=1,
)
# An order in its body may have a `clientOrderId`: the client knows, and this layer doesn't read it.
ONCE = Refusal(
    503,
    "stopping",
    "The engine stopped before it could answer, and may have recorded this. With a client id send the same again; "
    "without one look for it first.",
    members={"retryable": False},
)


def answered_when_stopped(app: Application) -> Application:
    """``app``, with 503 where the server cancels a request that has had no answer yet."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        begun = False

        async def noticed(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await app(scope, receive, noticed)
        except asyncio.CancelledError:
            if scope["type"] != "http" or begun:
                raise
            await _refusal(scope).send(scope, send)

    return application


def _refusal(scope: Message) -> Refusal:
    if scope["method"] in {"GET", "HEAD", "OPTIONS"}:
        return READ
    # Orders and lists are named by it; what else is posted takes no notice of it.
    named = scope["path"].startswith("/api/order") and any(name == b"idempotency-key" for name, _ in scope["headers"])
    return REPEATABLE if named or scope["method"] != "POST" else ONCE
