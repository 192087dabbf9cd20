"""The page /docs, and the files it loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, Router
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.static_files import create_static_files_router

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


class DocsPage(OpenAPIRenderPlugin):
    """Swagger UI without the inline script of Litestar's own plugin, which the policy above forbids."""

    def __init__(self) -> None:
        super().__init__(path="/")
        self._page = (STATIC / "docs.html").read_bytes()

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return self._page

    def receive_router(self, router: Router) -> None:
        router.register(create_static_files_router("/static", [STATIC]))


def docs_router() -> Router:
    """Where Litestar puts the page and the document; every answer carries the security headers."""
    return Router("/docs", route_handlers=[], include_in_schema=False, response_headers=SECURITY_HEADERS)
