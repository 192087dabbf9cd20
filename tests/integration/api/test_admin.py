"""What an operator does over HTTP: accounts and keys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.serving import Engine
from tests.integration.api.test_keys import bearer


async def asked(engine: Engine, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    answer = await engine.http.request(method, f"/api/admin/{path}", json=body)
    return answer.status_code, answer.json()


async def test_an_account_gets_a_key_that_acts_for_it_until_it_is_revoked(engine: Engine) -> None:
    status, account = await asked(engine, "POST", "accounts", {"name": "desk"})
    assert (status, account["name"], account["wallet"]) == (201, "desk", None)
    _, made = await asked(engine, "POST", "keys", {"account": "desk", "scopes": ["read", "read"], "expiresIn": "1d"})
    assert made["scopes"] == ["read"]

    async def as_desk() -> tuple[int, str | None]:
        answer = await engine.http.get("/api/account", headers=bearer(made["key"]))
        return answer.status_code, answer.json().get("name")

    assert await as_desk() == (200, "desk")
    assert await asked(engine, "DELETE", f"keys/{made['keyId']}") == (200, {"keyId": made["keyId"], "revoked": True})
    assert (await as_desk())[0] == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "field"),
    [
        ("POST", "accounts", {}, 422, "missing_field", "name"),
        ("POST", "accounts", {"name": "No"}, 422, "invalid_account_name", "name"),
        ("POST", "accounts", {"name": 7}, 422, "invalid_field", "name"),
        ("POST", "accounts", {"name": "desk", "wallet": "x"}, 422, "unknown_field", "wallet"),
        ("POST", "accounts", {"name": "default"}, 409, "account_exists", "name"),
        ("POST", "accounts", [], 400, "not_an_object", None),
        ("POST", "keys", {"account": "nobody", "scopes": ["read"]}, 404, "account_not_found", "account"),
        ("POST", "keys", {"account": "default", "scopes": []}, 422, "invalid_field", "scopes"),
        ("POST", "keys", {"account": "default", "scopes": ["all"]}, 422, "invalid_field", "scopes"),
        ("POST", "keys", {"account": "default", "scopes": ["read"], "expiresIn": "1y"}, 422, "invalid_field",
         "expiresIn"),
        ("POST", "keys", {"account": "default", "scopes": ["read"], "expiresIn": 7}, 422, "invalid_field",
         "expiresIn"),
        ("DELETE", "keys/7", None, 422, "invalid_field", "keyId"),
        ("DELETE", "keys/0190f3a4-0000-7000-8000-000000000000", None, 404, "key_not_found", "keyId"),
    ],
)  # fmt: skip
async def test_an_odd_request_is_a_problem_with_its_code(
    engine: Engine, method: str, path: str, body: Any, status: int, code: str, field: str | None
) -> None:
    got, problem = await asked(engine, method, path, body)
    assert (got, problem["code"], problem.get("field")) == (status, code, field)
