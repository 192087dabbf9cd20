"""The page /docs, and the files it loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, Response, Router
from litestar.datastructures import MutableScopeHeaders
from litestar.exceptions import NotFoundException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag
from litestar.static_files import create_static_files_router
from litestar.status_codes import HTTP_404_NOT_FOUND
from litestar.types import ASGIApp, Message, Receive, Scope, Send

STATIC = Path(__file__).parents[1] / "static"

# Scripts, styles and requests of this origin alone; Swagger UI's icons are images within its style sheet.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_KEY, _KEYS = "key", "A key of `surefill keys create`, which begins with `sf_`."


class DocsPage(OpenAPIRenderPlugin):
    """Swagger UI without the inline script of Litestar's own plugin, which the policy above forbids."""

    def __init__(self) -> None:
        super().__init__(path="/")
        self._page = (STATIC / "docs.html").read_bytes()

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return self._page

    def receive_router(self, router: Router) -> None:
        router.register(create_static_files_router("/static", [STATIC]))


def secured(app: ASGIApp) -> ASGIApp:
    """``app`` with the security headers on every answer; a file's answer would pass by a router's own headers."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableScopeHeaders.from_message(message).update(SECURITY_HEADERS)
            await send(message)

        await app(scope, receive, with_headers)

    return application


def as_a_problem(response: Response[Any]) -> Response[Any]:
    """An unknown path is answered as everywhere: Litestar's own handler below /docs has a page of its own for it."""
    if response.status_code == HTTP_404_NOT_FOUND:
        raise NotFoundException
    return response


def openapi_config() -> OpenAPIConfig:
    """The document's head, and where Litestar serves it: ``/docs``, and as JSON ``/docs/openapi.json``."""
    return OpenAPIConfig(
        title="Surefill",
        version="1",
        description=Path(__file__).with_name("description.md").read_text(),
        tags=[
            Tag("orders", "Submit an order, read it now or as it was, and follow it."),
            Tag("lists", "Orders that belong together: OCO, OTO, OTOCO, and TWAP."),
            Tag("account", "Whom a key acts for."),
            Tag("admin", "Accounts, keys, limits and halts: a key with the scope admin."),
            Tag("network", "What can be traded here, and what it costs now."),
            Tag("health", "For whoever runs the engine."),
        ],
        components=Components(security_schemes={_KEY: SecurityScheme("http", scheme="bearer", description=_KEYS)}),
        # By a key, or from this machine by none, where that is allowed.
        security=[{_KEY: []}, {}],
        use_handler_docstrings=True,
        openapi_router=Router(
            "/docs", route_handlers=[], include_in_schema=False, middleware=[secured], after_request=as_a_problem
        ),
        render_plugins=[DocsPage()],
    )
