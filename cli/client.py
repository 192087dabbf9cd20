"""The engine's own client: submit an order, read orders, watch one to its end."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Self
from urllib.parse import quote

import httpx2
import typer
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from cli.answers import is_accepted, is_message, is_order, is_page
from cli.errors import PutBackError, RefusedError, UnreachableError
from runtime import addresses, program, settings
from runtime.errors import StartupError

FINAL = frozenset({"confirmed", "failed", "cancelled", "expired"})
PATIENCE = 60.0  # seconds a lost stream is tried again before giving up
OVERLOADED, SHED_PATIENCE = "overloaded", 10.0  # seconds an engine that takes nothing now is asked again
RETRY_AFTER = 0.25
PUT_BACK = 4410
ANOTHER = ": another program listens there; HOST and PORT say where the engine is"
CLOSED_FOR_GOOD = {
    4400: "the engine refused the stream's query",
    4401: "the key has expired or was revoked",
    4404: "no such order",
}


IsOurs = Callable[[dict[str, Any]], bool]


class Client:
    """`async with Client(api_url, key)`; every method raises RefusedError or UnreachableError."""

    def __init__(self, api_url: str, key: str = "") -> None:
        self._api_url = api_url
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.AsyncClient(base_url=api_url, trust_env=False, timeout=30.0, headers=self._headers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def submit(self, order: dict[str, Any]) -> dict[str, Any]:
        """POST /api/orders/execute; returns the 202's body. Not repeated where it may have been recorded: without a
        clientOrderId that would be a second order.
        """
        try:
            return await self._ask(is_accepted, "POST", "/api/orders/execute", json=order)
        except asyncio.CancelledError:
            again = "sending it again is safe" if "clientOrderId" in order else "surefill orders shows it, if it was"
            print(f"surefill: interrupted: whether the order was recorded isn't known; {again}", file=sys.stderr)
            raise

    async def orders(self, limit: int) -> dict[str, Any]:
        """GET /api/orders: `{"items": [...], "next": ...}`, newest first."""
        return await self._ask(is_page, "GET", f"/api/orders?limit={limit}")

    async def list_orders(self, query: dict[str, Any]) -> dict[str, Any]:
        """GET /api/orders with what ``query`` asks for."""
        return await self._ask(is_page, "GET", "/api/orders", params=query)

    async def order(self, order_id: str | None, client_order_id: str) -> dict[str, Any]:
        """One order, by its id where that is given, else by the client's own."""
        path = order_id or f"by-client-id/{quote(client_order_id, safe='')}"
        return await self._ask(is_order, "GET", f"/api/orders/{path}")

    async def amend(self, order_id: str, version: int, terms: dict[str, Any]) -> dict[str, Any]:
        """PATCH /api/orders/{id} of the order at ``version``."""
        seen = {"If-Match": f'"{version}"'}
        return await self._ask(is_order, "PATCH", f"/api/orders/{order_id}", json=terms, headers=seen)

    async def watch(
        self, order_id: str | None, client_order_id: str = "", waits: Callable[[str], None] = lambda _: None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Each change of status, the first one first, each once; ends with a final one. The order is named as in
        ``order``. A lost connection resumes where it was, and one that can't be had is waited for: ``waits`` is told
        why, once each time.
        """
        sockets, query, lost_at = self._api_url.replace("http", "ws", 1), "", 0.0
        while True:
            try:
                order_id = order_id or (await self.order(None, client_order_id))["orderId"]
                async for message in _stream(f"{sockets}/ws/orders/{order_id}{query}", self._headers):
                    query, lost_at = f"?after={message['sequence']}", 0.0
                    yield message
                    if message["status"] in FINAL:
                        return
            except UnreachableError as error:
                if isinstance(error, PutBackError):
                    query = ""  # What was seen last is no more: the order as it is comes first.
                if not lost_at:
                    lost_at = time.monotonic()
                    waits(str(error))
                if time.monotonic() - lost_at > PATIENCE:
                    raise
                await asyncio.sleep(RETRY_AFTER)

    async def _ask(self, is_ours: IsOurs, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The answer's body, by which ``is_ours`` knows an engine; one that is overloaded has recorded nothing, and is
        asked again for a while.
        """
        deadline = time.monotonic() + SHED_PATIENCE
        while True:
            try:
                return await self._ask_once(is_ours, method, path, **request)
            except RefusedError as error:
                if error.code != OVERLOADED or time.monotonic() >= deadline:
                    raise
                await asyncio.sleep(RETRY_AFTER)

    async def _ask_once(self, is_ours: IsOurs, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            answer = await self._http.request(method, path, **request)
        except httpx2.TransportError:
            raise UnreachableError(f"no engine answers at {self._api_url}") from None
        try:
            body: Any = answer.json()
        except ValueError:
            raise _unexpected(f"{self._api_url} answered {answer.status_code} without JSON") from None
        if not isinstance(body, dict):
            raise _unexpected(f"{self._api_url} answered {answer.status_code} with JSON that is no object")
        if answer.is_error:
            raise RefusedError(
                str(body.get("code", answer.status_code)),
                str(body.get("detail") or body.get("title") or answer.reason_phrase),
            )
        if not is_ours(body):
            raise _unexpected(f"{self._api_url} answered {answer.status_code}, but not as an engine does{ANOTHER}")
        return body


def _unexpected(detail: str) -> RefusedError:
    return RefusedError("unexpected_answer", detail)


async def _stream(url: str, headers: dict[str, str]) -> AsyncGenerator[dict[str, Any], None]:
    """Messages of one connection until it ends; UnreachableError where another one may go on."""
    at = url.partition("/ws/")[0].replace("ws", "http", 1)
    try:
        async with connect(url, proxy=None, additional_headers=headers) as socket:
            async for text in socket:
                yield _message(text, at)
            code, reason = socket.close_code, socket.close_reason
    except InvalidStatus as error:
        status = error.response.status_code
        if status < httpx2.codes.INTERNAL_SERVER_ERROR:
            raise RefusedError(str(status), f"the engine refused the stream ({status})") from None
        raise UnreachableError(f"{at} opens no stream ({status})") from None
    except ConnectionClosed as error:
        code, reason = (error.rcvd.code, error.rcvd.reason) if error.rcvd else (None, None)
    except (OSError, InvalidHandshake):
        raise UnreachableError(f"no engine answers at {at}") from None
    if code == PUT_BACK:
        raise PutBackError(f"the log was put back ({code}: {reason})")
    if code in CLOSED_FOR_GOOD:
        raise RefusedError(str(code), reason or CLOSED_FOR_GOOD[code])
    raise UnreachableError(f"the stream was closed ({f'{code}: {reason}' if reason else code})")


def _message(text: str | bytes, at: str) -> dict[str, Any]:
    try:
        message: Any = json.loads(text)
    except ValueError:
        message = None
    if not is_message(message):
        raise _unexpected(f"{at} sends what no engine does{ANOTHER}")
    found: dict[str, Any] = message
    return found


def with_client(use: Callable[[Client], Awaitable[None]]) -> None:
    """Run `use(client)` against the engine; what it refuses is one sentence on stderr and exit code 1."""

    async def run() -> None:
        try:
            found = settings.load()
            async with Client(addresses.api_url(found), found.key) as client:
                await use(client)
        except RefusedError as error:
            raise StartupError(f"{error} ({error.code})") from None
        except UnreachableError as error:
            raise StartupError(str(error)) from None

    try:
        code = program.guarded("client", lambda: asyncio.run(run()))
    except KeyboardInterrupt:
        code = program.INTERRUPTED
    raise typer.Exit(code)
