"""An answer that pydantic writes is the one that Litestar would have given, byte for byte."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Litestar, Response, get
from litestar.params import FromPath
from litestar.plugins.pydantic import PydanticPlugin

from api.json_answer import JsonAnswer
from api.orders.answers import AcceptedOrder, links
from projections.order_view import View

ORDER = UUID(int=7)
HEADERS = {"Location": "/api/orders/7", "RateLimit-Limit": "60"}


def accepted(**more: Any) -> AcceptedOrder:
    return AcceptedOrder(
        order_id=ORDER, pair="SOL/USDC", side="sell", position="1.8", network="localnet", links=links(ORDER), **more
    )


class Said(View):
    what_was_said: str


ANSWERS: list[View] = [
    accepted(),
    accepted(limit_price="150.25", paper=True),
    Said(what_was_said='caf\u00e9 "\u2028 \x07'),
]


@get("/litestar/{at:int}", status_code=202, sync_to_thread=False)
def by_litestar(at: FromPath[int]) -> Response[View]:
    return Response(ANSWERS[at], headers=HEADERS)


@get("/pydantic/{at:int}", status_code=202, sync_to_thread=False)
def by_pydantic(at: FromPath[int]) -> Response[View]:
    return JsonAnswer(ANSWERS[at], headers=HEADERS)


async def test_status_headers_and_body_are_those_of_litestars_own_answer() -> None:
    app = Litestar([by_litestar, by_pydantic], plugins=[PydanticPlugin(prefer_alias=True)], openapi_config=None)
    for at in range(len(ANSWERS)):
        assert await _answer(app, f"/pydantic/{at}") == await _answer(app, f"/litestar/{at}")


async def _answer(app: Litestar, path: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"",
        "headers": [], "scheme": "http", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "http_version": "1.1",
        "state": {},
    }  # fmt: skip
    await app(scope, receive, send)
    start, body = sent
    return start["status"], sorted(start["headers"]), body["body"]
