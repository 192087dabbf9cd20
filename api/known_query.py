"""A query parameter that a request doesn't take, or is given twice, is refused: a misspelt filter would filter nothing,
and an order asked for as it was would be shown as it is.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

from api.callers.rules import is_open
from api.errors import ProblemError


async def require_known_query(request: Request[Any, Any, Any]) -> None:
    """A hook of ``before_request``: what is open to anybody, as a probe of its health, may be asked however one likes.

    Raises ``ProblemError``: ``invalid_query``.
    """
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


@cache
def _known(handler: BaseRouteHandler) -> frozenset[str]:
    parameters = handler.parsed_fn_signature.parameters.items()
    return frozenset(
        kind.name or name
        for name, parameter in parameters
        if isinstance(kind := parameter.kwarg_definition, QueryParameter)
    )


def _refused(detail: str, name: str) -> ProblemError:
    # A name may be as long as a request's first line.
    return ProblemError(400, "invalid_query", detail, field=name[:100])
