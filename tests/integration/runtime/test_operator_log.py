"""What an operator does stands in the log of the process that serves the API, and no secret with it."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from cli import trading
from runtime.settings import Settings
from tests.integration.runtime.test_without_a_node import node, served, settings, until

__all__ = ["node", "settings"]


async def test_each_change_by_the_api_or_a_command_is_a_line_with_who_made_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("database_url", "redis_url", "data_dir"):
        monkeypatch.setenv(name.upper(), str(getattr(settings, name)))
    with capture_logs() as logs:
        async with served(settings) as http:
            key = (await http.post("/api/admin/keys", json={"account": "default", "scopes": ["read"]})).json()
            assert (await http.delete(f"/api/admin/keys/{key['keyId']}")).status_code == 200
            limits = await http.put("/api/admin/accounts/default/limits", json={"maxOpenOrders": 5})
            assert limits.status_code == 200
            halt = {"scope": "account:default", "state": "halted", "because": "by the API"}
            assert (await http.put("/api/admin/trading-state", json=halt)).status_code == 200
            await trading._set("halted", None, "Meteora", "by a command", False)

            async def lines() -> list[Any]:
                found = [line for line in logs if "by" in line and line["log_level"] == "info"]
                return found if len(found) >= 6 else []

            issued, revoked, made, limited, halted, venue = await until(lines)
    assert (issued["event"], issued["key_id"], issued["account"]) == ("a key is issued", key["keyId"], "default")
    assert (revoked["event"], revoked["key_id"]) == ("a key is revoked", key["keyId"])
    # Limits are the first that the log has of the account itself.
    assert (made["event"], made["account"]) == ("an account is made", "default")
    assert (limited["event"], limited["limits"]) == ("limits are set", {"maxOpenOrders": 5})
    assert (halted["state"], halted["account"], halted["because"]) == ("halted", "default", "by the API")
    assert (venue["state"], venue["account"], venue["venue"]) == ("halted", "all", "Meteora")
    assert venue["because"] == "by a command" and "@" in venue["by"]
    assert all(line["by"] for line in (issued, revoked, made, limited, halted))
    assert key["key"] not in str(logs) and "key_hash" not in str(logs)
