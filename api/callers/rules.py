"""What each route asks of its caller: a rule is a scope, or ``open``. A route without one can't be served."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from litestar import Litestar
from litestar.enums import HttpMethod
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import Scope

from api.errors import ProblemError
from domain.directory_events import SCOPES

RULE: Final = "rule"
OPEN: Final = {RULE: "open"}
READ: Final = {RULE: "read"}
TRADE: Final = {RULE: "trade"}
ADMIN: Final = {RULE: "admin"}
RULES = frozenset({"open", *SCOPES})

DOCUMENTATION = "/docs"
"""Litestar makes the routes below it, of the API's description alone."""


def rule_of(handler: BaseRouteHandler) -> str | None:
    found = handler.opt.get(RULE)
    return str(found) if found in RULES else None


def is_open(scope: Scope) -> bool:
    """Whether anybody may ask: which methods a path has, and what the API's description says, is no secret either."""
    return (
        scope["route_handler"].opt.get(RULE) == OPEN[RULE]
        or scope["path"].startswith(DOCUMENTATION)
        or scope.get("method") == HttpMethod.OPTIONS
    )


def require_scope(scopes: Collection[str], handler: BaseRouteHandler) -> None:
    """Raises ``ProblemError`` where a caller with ``scopes`` may not ask ``handler``, which is none that is open."""
    rule = rule_of(handler)
    if rule not in scopes:
        raise ProblemError(403, "scope_missing", f"This needs a key with the scope {rule}.", scope=rule)


def routes(app: Litestar) -> Iterator[tuple[str, BaseRouteHandler]]:
    """Every path template of ours, with each handler that answers there."""
    for route in app.routes:
        if route.path.startswith(DOCUMENTATION):
            continue
        handlers = route.route_handlers if isinstance(route, HTTPRoute) else [route.route_handler]
        for handler in handlers:
            # Litestar adds one to each path that says which methods it has.
            if not (isinstance(handler, HTTPRouteHandler) and handler.http_methods == {HttpMethod.OPTIONS}):
                yield route.path, handler


def require_rules(app: Litestar) -> None:
    """Raise ``ValueError`` where a route has no rule: whoever adds one has to say who may ask."""
    without = [f"{path} ({handler.handler_name})" for path, handler in routes(app) if rule_of(handler) is None]
    if without:
        raise ValueError(f"no rule says who may ask: {', '.join(without)}")
