"""What OPTIONS answers: every method of a path, whichever controllers its handlers are in.

Litestar's own handler names those of the controller that was registered first.
"""

from __future__ import annotations

from litestar import HttpMethod, Litestar
from litestar.datastructures import MutableScopeHeaders
from litestar.routes import HTTPRoute
from litestar.types import Message, Scope

from api.serving.head import with_head


async def name_all_methods(message: Message, scope: Scope) -> None:
    """A hook of ``before_send``."""
    if message["type"] != "http.response.start" or scope.get("method") != HttpMethod.OPTIONS:
        return
    app: Litestar = scope["litestar_app"]
    routes = [one for one in app.routes if isinstance(one, HTTPRoute) and one.path_format == scope.get("path_template")]
    if routes:
        MutableScopeHeaders.from_message(message)["allow"] = ", ".join(sorted(with_head({*routes[0].methods})))
