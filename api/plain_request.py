"""What a request says of itself, it says once, and in words that are known.

A misspelt filter would filter nothing, an order asked for as it was would be shown as it is, and of two
``Idempotency-Key`` one would be passed over.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

from api.callers.rules import is_open
from api.errors import ProblemError
from api.orders.document import shown
from api.orders.headers import EXPIRES_AFTER, IDEMPOTENCY_KEY
from api.orders.precondition import IF_MATCH

_ONCE = {name.lower().encode(): name for name in (IF_MATCH, IDEMPOTENCY_KEY, EXPIRES_AFTER)}


async def require_plain_request(request: Request[Any, Any, Any]) -> None:
    """A hook of ``before_request``: what is open to anybody, as a probe of its health, may be asked however one likes.

    Raises ``ProblemError``: ``invalid_query``, ``bad_request``.
    """
    _require_single_headers(request.scope["headers"])
    asked = request.scope["query_string"]
    if not asked or is_open(request.scope):
        return
    known = _known(request.scope["route_handler"])
    names = [name for name, _ in parse_qsl(asked.decode("latin-1"), keep_blank_values=True)]
    for name in names:
        if name not in known:
            takes = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
            raise _refused(f"This request has no query parameter of that name: {takes}.", name)
        if names.count(name) > 1:
            raise _refused(f"{name} is there twice: one of them is meant.", name)


def _require_single_headers(headers: Iterable[tuple[bytes, bytes]]) -> None:
    seen = [name for name, _ in headers if name in _ONCE]
    if len(seen) > 1 and (twice := next((name for name in seen if seen.count(name) > 1), None)):
        name = _ONCE[twice]
        raise ProblemError(400, "bad_request", f"{name} is there twice: one of them is meant.", field=name)


@cache
def _known(handler: BaseRouteHandler) -> frozenset[str]:
    parameters = handler.parsed_fn_signature.parameters.items()
    return frozenset(
        kind.name or name
        for name, parameter in parameters
        if isinstance(kind := parameter.kwarg_definition, QueryParameter)
    )


def _refused(detail: str, name: str) -> ProblemError:
    return ProblemError(400, "invalid_query", detail, field=shown(name) or None)
