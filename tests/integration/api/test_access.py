"""Who may trade and listen: what a page elsewhere can make a browser send, against the API as it runs."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.serving.access import Access
from tests.integration.api.serving import BODY, Engine, running
from tests.integration.conftest import TestDatabase

DESK = "https://desk.example"


async def ask(engine: Engine, head: str, *headers: str, body: str = "") -> tuple[int, dict[str, str], str]:
    """Status, headers and body of the answer to exactly these lines."""
    port = int(engine.url.rpartition(":")[2])
    lines = [f"{head} HTTP/1.1", *headers, "Connection: close", f"Content-Length: {len(body)}", "", body]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write("\r\n".join(lines).encode("latin-1"))
        answer = (await asyncio.wait_for(reader.read(), 20)).decode()
    finally:
        writer.close()
    first, _, rest = answer.partition("\r\n")
    named, _, content = rest.partition("\r\n\r\n")
    pairs = [line.split(": ", 1) for line in named.split("\r\n")]
    return int(first.split()[1]), {name.lower(): value for name, value in pairs}, content


async def code(engine: Engine, *headers: str, head: str = "GET /api/orders") -> str:
    """The code of a refusal, or the status of what was none."""
    status, named, body = await ask(engine, head, *headers)
    if named.get("content-type") != "application/problem+json":
        return str(status)
    document = json.loads(body)
    assert document["status"] == status
    return str(document["code"])


async def order_count(engine: Engine) -> int:
    async with engine.pool.connection() as connection:
        row = await (await connection.execute("SELECT count(*) FROM events")).fetchone()
    assert row
    return int(row[0])


async def test_a_page_elsewhere_reaches_nothing(engine: Engine) -> None:
    """Every request here is one that a browser sends for a page of another site, or a trick to look like none."""
    port = engine.url.rpartition(":")[2]
    ours = f"Host: 127.0.0.1:{port}"
    assert await code(engine, "Host: evil.example") == "host_not_allowed"
    assert await code(engine, f"Host: EVIL.example.:{port}") == "host_not_allowed"
    assert await code(engine) == "invalid_host"
    assert await code(engine, ours, ours) == "invalid_host"
    assert await code(engine, "Host: evil.example", ours) == "invalid_host"
    assert await code(engine, "Host: localhost@evil.example") == "invalid_host"
    assert await code(engine, "Host: localhost:0") == "invalid_host"
    assert await code(engine, ours, head="GET http://evil.example/api/orders") == "invalid_host"
    assert await code(engine, ours, "Origin: http://evil.example") == "origin_not_allowed"
    assert await code(engine, ours, f"Origin: http://evil.example:{port}") == "origin_not_allowed"
    assert await code(engine, ours, "Origin: null") == "origin_not_allowed"
    before = await order_count(engine)
    for origin in ("http://evil.example", "null"):
        status, headers, _ = await ask(
            engine,
            "POST /api/orders/execute",
            ours,
            f"Origin: {origin}",
            "Content-Type: application/json",
            body=json.dumps(BODY),
        )
        assert status == 403
        assert not [name for name in headers if name.startswith("access-control")]
        preflight = await ask(
            engine, "OPTIONS /api/orders/execute", ours, f"Origin: {origin}", "Access-Control-Request-Method: POST"
        )
        assert preflight[0] == 403
        assert not [name for name in preflight[1] if name.startswith("access-control")]
    assert await order_count(engine) == before


async def test_who_is_on_this_machine_passes(engine: Engine) -> None:
    port = engine.url.rpartition(":")[2]
    for host in (f"localhost:{port}", "LOCALHOST", "localhost.", f"api.localhost:{port}", "127.9.9.9", f"[::1]:{port}"):
        assert await code(engine, f"Host: {host}") == "200", host
    assert await code(engine, f"Host: 127.0.0.1:{port}", f"Origin: http://localhost:{port}") == "200"
    assert await code(engine, f"Host: localhost:{port}", head=f"GET http://localhost:{port}/api/orders") == "200"


async def test_a_page_elsewhere_cannot_listen(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    order_id = (await engine.submit())["orderId"]
    stream = f"{engine.ws}/ws/orders/{order_id}"
    for origin, host, expected in (
        ("http://evil.example", None, "origin_not_allowed"),
        ("null", None, "origin_not_allowed"),
        (None, "evil.example", "host_not_allowed"),
        ("http://evil.example", "evil.example", "host_not_allowed"),
    ):
        target = stream if host is None else stream.replace("127.0.0.1", host)
        with pytest.raises(InvalidStatus) as refused:
            async with connect(target, origin=origin, host="127.0.0.1", proxy=None):  # type: ignore[arg-type]
                pass
        assert refused.value.response.status_code == 403
        assert json.loads(refused.value.response.body)["code"] == expected
    # Or a page could fill the log.
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]
    async with connect(stream, origin=engine.url) as socket:  # type: ignore[arg-type]
        assert json.loads(await socket.recv())["orderId"] == order_id


@pytest.mark.parametrize("path", ["/ws/nothing", "/ws/orders", "/api/orders", "/health/live", "/docs/nothing", "/%ff"])
async def test_a_websocket_where_none_is_served_is_told_so_as_a_request_is(
    path: str, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{engine.ws}{path}")
    answer = refused.value.response
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    document = json.loads(answer.body)
    assert (document["code"], document["status"], document["retryable"]) == ("not_found", 404, False)
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Prefix", "Forwarded", "X-Real-IP", "Via"])
async def test_a_proxy_in_front_is_refused_and_told_why(header: str, engine: Engine) -> None:
    status, _, body = await ask(engine, "GET /health/live", "Host: localhost", f"{header}: 203.0.113.5")
    document = json.loads(body)
    assert (status, document["code"]) == (403, "forwarded")
    assert header.lower() in document["detail"]
    assert "ALLOW_FORWARDED=true" in document["detail"]
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{engine.ws}/ws/orders/x", additional_headers={header: "203.0.113.5"}):
            pass
    assert refused.value.response.status_code == 403


async def test_settings_let_in_names_pages_and_a_proxy(database: TestDatabase) -> None:
    access = Access.of(["trade.lan"], [DESK], forwarded=True)
    async with running(database.app, access=access) as engine:
        assert await code(engine, "Host: trade.lan", "X-Forwarded-For: 203.0.113.5") == "200"
        assert await code(engine, "Host: evil.example", "X-Forwarded-Host: localhost") == "host_not_allowed"
        status, headers, _ = await ask(
            engine,
            "OPTIONS /api/orders/execute",
            "Host: trade.lan",
            f"Origin: {DESK}",
            "Access-Control-Request-Method: POST",
            "Access-Control-Request-Headers: content-type",
        )
        assert status == 204
        assert headers["access-control-allow-origin"] == DESK
        described = (await engine.http.get("/docs/openapi.json")).json()["paths"].values()
        methods = {method.upper() for path in described for method in path}
        assert "PATCH" in methods <= set(headers["access-control-allow-methods"].split(", "))
        allowed = headers["access-control-allow-headers"].split(", ")
        # What an order is submitted, repeated and amended with.
        assert {"authorization", "content-type", "idempotency-key", "if-match"} <= set(allowed)
        status, headers, _ = await ask(
            engine,
            "POST /api/orders/execute",
            "Host: trade.lan",
            f"Origin: {DESK}",
            "Content-Type: application/json",
            body=json.dumps(BODY),
        )
        assert (status, headers["access-control-allow-origin"], headers["vary"]) == (202, DESK, "Origin")
        assert {"ETag", "Location", "Retry-After"} <= set(headers["access-control-expose-headers"].split(", "))
        assert await code(engine, "Host: trade.lan", "Origin: https://evil.example") == "origin_not_allowed"


async def test_beyond_what_may_be_at_work_the_api_says_that_it_is_overloaded(database: TestDatabase) -> None:
    async with running(database.app, at_once=1) as engine:
        # It waits for a position that the log doesn't have.
        waiting = asyncio.create_task(engine.http.get("/api/orders", params={"position": "99"}))
        async with asyncio.timeout(20):
            while (answer := await engine.http.get("/health/live")).status_code == 200:
                assert not waiting.done()
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "overloaded", "1")
        refused = await engine.http.post("/api/orders/execute", json=BODY)
        assert refused.json()["code"] == "overloaded"
        assert await order_count(engine) == 0
        await waiting
        assert (await engine.http.get("/health/live")).status_code == 200
