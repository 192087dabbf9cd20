"""Access as ASGI middleware, for HTTP and WebSocket, with CORS for the pages that a setting lets in."""

from __future__ import annotations

from api.serving.access import Access, Admitted
from api.serving.refusal import Application, Message, Receive, Refusal, Send

_REMEMBERED = 256
# What a page that is let in may send, and read of an answer, beyond what every page may.
_METHODS = b"GET, POST, PUT, PATCH, DELETE"
_REQUEST_HEADERS = b"authorization, content-type, idempotency-key, if-match, prefer, surefill-expires-after"
_ANSWER_HEADERS = (
    b"ETag, Location, Preference-Applied, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After"
)


def checked(app: Application, access: Access) -> Application:
    """``app``, reached by whom ``access`` admits. Expects header names in lower case, as ASGI has them.

    The last combinations that were admitted are remembered: most requests have the same headers as the one before.
    """
    watched, prefixes = access.watched, access.watched_prefixes
    remembered: dict[tuple[str, tuple[tuple[bytes, bytes], ...]], Admitted] = {}

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        headers = [header for header in scope["headers"] if header[0] in watched or header[0].startswith(prefixes)]
        asked = scope["scheme"], tuple(headers)
        admitted = remembered.get(asked)
        if admitted is None:
            decision = access.decide(*asked)
            if isinstance(decision, Refusal):
                await decision.send(scope, send)
                return
            if len(remembered) >= _REMEMBERED:
                remembered.clear()
            admitted = remembered[asked] = decision
        if admitted.origin is None or scope["type"] != "http":
            await app(scope, receive, send)
        elif _is_preflight(scope):
            await _answer_preflight(scope, send, admitted.origin)
        else:
            await app(scope, receive, _shared_with(admitted.origin, send))

    return application


def _is_preflight(scope: Message) -> bool:
    return scope["method"] == "OPTIONS" and any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    )


async def _answer_preflight(scope: Message, send: Send, origin: bytes) -> None:
    headers = [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", _REQUEST_HEADERS),
        (b"access-control-max-age", b"600"),
        (b"vary", b"Origin"),
    ]
    if any(name == b"access-control-request-private-network" for name, _ in scope["headers"]):
        headers.append((b"access-control-allow-private-network", b"true"))
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _shared_with(origin: bytes, send: Send) -> Send:
    own = [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _ANSWER_HEADERS),
        (b"vary", b"Origin"),
    ]

    async def shared(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *own]
        await send(message)

    return shared
