"""The WebSocket that is refused before it is one: it gets the problem details that a plain request would get.

Litestar would close it, which a server can tell a client that has no socket yet as 403 without a word alone.
"""

from __future__ import annotations

from typing import Any, cast

from litestar.enums import ScopeType
from litestar.types import Scope

from api.errors import ProblemError
from api.problems import problem_of
from api.serving.refusal import Application, Message, Receive, Refusal, Send

_WHY = "surefill.refused"


async def keep_reason(error: Exception, scope: Scope) -> None:
    """A hook of ``after_exception``, which ``answering_handshakes`` answers by."""
    if scope["type"] == ScopeType.WEBSOCKET:
        cast(dict[str, Any], scope)[_WHY] = _reason(error, scope)


def answering_handshakes(app: Application) -> Application:
    """``app``, whose refusal of a WebSocket that isn't accepted yet is an HTTP answer."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await app(scope, receive, send)
            return
        accepted = False

        async def answered(message: Message) -> None:
            nonlocal accepted
            accepted = accepted or message["type"] == "websocket.accept"
            if accepted or message["type"] != "websocket.close" or _WHY not in scope:
                await send(message)
            else:
                await _refusal(scope[_WHY]).send(scope, send)

        await app(scope, receive, answered)

    return application


def _reason(error: Exception, scope: Scope) -> ProblemError:
    if "route_handler" not in scope:
        return ProblemError(404, "not_found", "No WebSocket is served at this path.")
    return problem_of(error)


def _refusal(problem: ProblemError) -> Refusal:
    wait = problem.headers.get("Retry-After")
    challenge = problem.headers.get("WWW-Authenticate")
    return Refusal(problem.status, problem.code, problem.detail, int(wait) if wait else None, challenge, problem.given)
