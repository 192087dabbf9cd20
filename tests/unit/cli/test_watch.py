"""`surefill watch` follows an order by either name, waits for an engine and says so, and tells why it is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from cli import client
from cli.client import Client
from cli.errors import RefusedError, UnreachableError
from cli.watch import follow
from tests.ports import free_port

ORDER = "0190f3a4-0000-7000-8000-000000000001"
CONFIRMED = {"sequence": 2, "status": "confirmed", "timestamp": 1_767_225_600_000}


def by_client_id(connection: ServerConnection, request: Request) -> Response | None:
    """The one request without a stream: which order goes by a client's own name."""
    if request.path == "/api/orders/by-client-id/a-1":
        return connection.respond(HTTPStatus.OK, json.dumps({"orderId": ORDER, "status": "sent", "version": 1}))
    return None


async def confirmed(connection: ServerConnection) -> None:
    assert connection.request and connection.request.path == f"/ws/orders/{ORDER}"
    await connection.send(json.dumps(CONFIRMED))


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.mark.parametrize("named", [ORDER, "a-1"])
async def test_an_order_is_followed_by_its_id_or_the_clients_own(
    named: str, stack: AsyncExitStack, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    await stack.enter_async_context(serve(confirmed, "127.0.0.1", port, process_request=by_client_id))
    async with Client(f"http://127.0.0.1:{port}") as asked:
        await follow(asked, named)
    said = capsys.readouterr()
    assert "confirmed" in said.out
    assert said.err == ""


@pytest.mark.parametrize("named", [ORDER, "a-1"])
async def test_an_engine_that_is_not_there_yet_is_waited_for_and_that_is_said_once(named: str) -> None:
    port = free_port()
    said: list[str] = []
    async with AsyncExitStack() as stack, Client(f"http://127.0.0.1:{port}") as asked:
        order_id = ORDER if named == ORDER else None
        changes = asked.watch(order_id, named, waits=said.append)
        step = asyncio.ensure_future(anext(changes))
        while not said:
            await asyncio.sleep(0.01)
        await asyncio.sleep(3 * client.RETRY_AFTER)
        await stack.enter_async_context(serve(confirmed, "127.0.0.1", port, process_request=by_client_id))
        assert await step == CONFIRMED
        await changes.aclose()
    assert said == [f"no engine answers at http://127.0.0.1:{port}"]


async def test_an_engine_that_stays_away_is_said_at_once_and_given_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cli.client.PATIENCE", 0.1)
    async with Client(f"http://127.0.0.1:{free_port()}") as asked:
        with pytest.raises(UnreachableError, match="no engine answers"):
            await follow(asked, ORDER)
    assert capsys.readouterr().err.endswith("; trying again for 60 s\n")


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [
        (4404, "there is no such order", "there is no such order"),
        (4400, "the order is at sequence 3", "the order is at sequence 3"),
        (4400, "", "the engine refused the stream's query"),
    ],
)
async def test_why_the_engine_closes_a_stream_is_told(code: int, reason: str, told: str, stack: AsyncExitStack) -> None:
    port = free_port()

    async def refuse(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    await stack.enter_async_context(serve(refuse, "127.0.0.1", port))
    async with Client(f"http://127.0.0.1:{port}") as asked:
        with pytest.raises(RefusedError) as refused:
            await follow(asked, ORDER)
    assert (str(refused.value), refused.value.code) == (told, str(code))


async def test_what_a_log_that_was_put_back_has_lost_is_not_asked_for_again(stack: AsyncExitStack) -> None:
    """A stream with `after=` is closed with 4410; the next one begins with the order as it is."""
    port, asked_for = free_port(), list[str]()

    async def put_back(connection: ServerConnection) -> None:
        assert connection.request
        asked_for.append(connection.request.path.partition("?")[2])
        if len(asked_for) == 1:
            await connection.send(json.dumps({**CONFIRMED, "status": "submitted", "sequence": 5}))
            await connection.close(1012)
        elif "after" in asked_for[-1]:
            await connection.close(4410, "the log was put back")
        else:
            await connection.send(json.dumps(CONFIRMED))

    await stack.enter_async_context(serve(put_back, "127.0.0.1", port))
    async with Client(f"http://127.0.0.1:{port}") as asked:
        statuses = [message["status"] async for message in asked.watch(ORDER)]
    assert (statuses, asked_for) == (["submitted", "confirmed"], ["", "after=5", ""])
