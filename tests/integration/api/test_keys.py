"""Who may ask: with a key, without one, with a wrong one; and streams that end with their key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.callers.wrong_keys import MOST
from commands.directory.application import NewKey
from commands.directory.key_uses import last_uses
from domain.directory import DEFAULT_ACCOUNT
from domain.directory_events import Scope
from tests.integration.api.serving import BODY, Engine, running
from tests.integration.conftest import TestDatabase

WRONG = "sf_" + "x" * 43


@pytest.fixture
async def guarded(database: TestDatabase) -> AsyncIterator[Engine]:
    """An API that other machines can reach: nobody may ask without a key."""
    async with running(database.app, keyless=None) as engine:
        yield engine


async def key(engine: Engine, *scopes: Scope, ends: datetime | None = None) -> NewKey:
    made = await engine.directory.issue(DEFAULT_ACCOUNT, scopes, ends, by="test")
    await known(engine, made)
    return made


async def known(engine: Engine, made: NewKey) -> None:
    """Return once the served API has heard of the key: by its feed of the log, which polls here."""
    async with asyncio.timeout(10):
        while engine.feed.position < made.position:
            await asyncio.sleep(0.01)


def bearer(made: NewKey | str) -> dict[str, str]:
    return {"Authorization": f"Bearer {made if isinstance(made, str) else made.key}"}


async def code(engine: Engine, method: str, path: str, **request: Any) -> tuple[int, str | None]:
    answer = await engine.http.request(method, path, **request)
    return answer.status_code, answer.json().get("code") if answer.status_code >= 400 else None


async def test_beyond_this_machine_nothing_is_answered_without_a_key_but_health_and_documentation(
    guarded: Engine,
) -> None:
    assert await code(guarded, "GET", "/api/orders") == (401, "unauthenticated")
    assert await code(guarded, "POST", "/api/orders/execute", json=BODY) == (401, "unauthenticated")
    assert (await guarded.http.get("/api/network")).headers["www-authenticate"] == "Bearer"
    for path in ("/health/live", "/health/ready", "/metrics", "/docs/openapi.json"):
        assert (await guarded.http.get(path)).status_code == 200


async def test_on_this_machine_no_key_is_the_default_account_and_a_wrong_one_is_refused(engine: Engine) -> None:
    assert await code(engine, "GET", "/api/orders") == (200, None)
    assert await code(engine, "GET", "/api/orders", headers=bearer(WRONG)) == (401, "unauthenticated")
    made = await key(engine, "read")
    assert await code(engine, "GET", "/api/orders", headers=bearer(made)) == (200, None)


async def test_a_scope_opens_what_it_names_and_nothing_else(guarded: Engine) -> None:
    reader, trader, admin = [await key(guarded, scope) for scope in ("read", "trade", "admin")]  # type: ignore[arg-type]
    orders = "/api/orders"
    assert await code(guarded, "GET", orders, headers=bearer(reader)) == (200, None)
    assert await code(guarded, "GET", orders, headers=bearer(trader)) == (403, "scope_missing")
    assert await code(guarded, "GET", orders, headers=bearer(admin)) == (403, "scope_missing")
    execute = f"{orders}/execute"
    assert await code(guarded, "POST", execute, json=BODY, headers=bearer(reader)) == (403, "scope_missing")
    assert await code(guarded, "POST", execute, json=BODY, headers=bearer(admin)) == (403, "scope_missing")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": WRONG},
        {"Authorization": f"Basic {WRONG}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer sf_"},
        {"Authorization": "Bearer sf_" + "x" * 10_000},
        {"Authorization": f"Bearer {WRONG}, Bearer {WRONG}"},
        {"Authorization": "Bearer \xe9" * 3},
    ],
)
async def test_what_is_no_key_is_refused(guarded: Engine, headers: dict[str, str]) -> None:
    sent = [(name, value.encode("latin-1")) for name, value in headers.items()]
    assert await code(guarded, "GET", "/api/orders", headers=sent) == (401, "unauthenticated")


async def test_two_keys_in_one_request_are_refused(guarded: Engine) -> None:
    made = await key(guarded, "read")
    sent = [("Authorization", f"Bearer {made.key}"), ("Authorization", f"Bearer {WRONG}")]
    assert await code(guarded, "GET", "/api/orders", headers=sent) == (401, "unauthenticated")


async def test_a_key_in_a_query_string_is_refused_even_where_none_is_needed(engine: Engine) -> None:
    made = await key(engine, "read")
    for name in ("key", "access_token", "cursor"):
        assert await code(engine, "GET", f"/api/orders?{name}={made.key}") == (401, "unauthenticated")
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{engine.ws}/ws/orders/0190f3a4-0000-7000-8000-000000000000?key={made.key}")
    assert refused.value.response.status_code == 401


async def test_a_key_ends_at_its_time_and_with_its_revocation(guarded: Engine) -> None:
    short = await key(guarded, "read", ends=datetime.now(UTC) + timedelta(seconds=0.5))
    revoked = await key(guarded, "read")
    await asyncio.sleep(0.6)
    assert await code(guarded, "GET", "/api/orders", headers=bearer(short)) == (401, "unauthenticated")
    assert await code(guarded, "GET", "/api/orders", headers=bearer(revoked)) == (200, None)
    await guarded.directory.revoke(revoked.key_id, by="test")
    assert await code(guarded, "GET", "/api/orders", headers=bearer(revoked)) == (401, "unauthenticated")


async def test_a_stream_ends_with_its_key_and_needs_one(guarded: Engine) -> None:
    trader = await key(guarded, "trade")
    accepted = await guarded.http.post("/api/orders/execute", json=BODY, headers=bearer(trader))
    url = f"{guarded.ws}/ws/orders/{accepted.json()['orderId']}"
    for headers, status in (({}, 401), (bearer(WRONG), 401), (bearer(trader), 403)):
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers=headers)
        assert refused.value.response.status_code == status
        assert refused.value.response.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)
        assert json.loads(refused.value.response.body).get("scope") == (None if status == 401 else "read")

    revoked = await key(guarded, "read")
    short = await key(guarded, "read", ends=datetime.now(UTC) + timedelta(seconds=2))
    other = await key(guarded, "read")
    async with (
        connect(url, additional_headers=bearer(revoked)) as first,
        connect(url, additional_headers=bearer(short)) as second,
        connect(url, additional_headers=bearer(other)) as third,
    ):
        for socket in (first, second, third):
            assert "pending" in str(await socket.recv())
            assert "routing" in str(await socket.recv())
        await guarded.directory.revoke(revoked.key_id, by="test")
        for socket in (first, second):
            with pytest.raises(ConnectionClosed) as closed:
                async with asyncio.timeout(10):
                    await socket.recv()
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 4401
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await third.recv()


async def test_many_wrong_keys_from_an_address_are_told_to_wait_and_a_right_one_is_taken(guarded: Engine) -> None:
    made = await key(guarded, "read")
    answers = [await code(guarded, "GET", "/api/orders", headers=bearer(WRONG)) for _ in range(MOST + 5)]
    assert answers.count((401, "unauthenticated")) == MOST
    assert answers[MOST:] == [(429, "rate_limited")] * 5
    refused = await guarded.http.get("/api/orders", headers=bearer(WRONG))
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert await code(guarded, "GET", "/api/orders", headers=bearer(made)) == (200, None)


async def test_when_a_key_was_last_used_is_written(guarded: Engine) -> None:
    made = await key(guarded, "read")
    assert await code(guarded, "GET", "/api/orders", headers=bearer(made)) == (200, None)
    async with asyncio.timeout(10):
        while made.key_id not in await last_uses(guarded.pool):
            await asyncio.sleep(0.02)
