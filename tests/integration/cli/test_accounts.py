"""`surefill accounts` and `surefill keys`, where no engine runs: they start PostgreSQL for themselves."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import Run


def told(run: Run, *arguments: str) -> Any:
    ended = run(*arguments, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_accounts_and_keys_are_made_listed_and_revoked_without_an_engine(run: Run, data_dir: Path) -> None:
    account = told(run, "accounts", "create", "desk")
    assert set(account) == {"accountId", "name", "wallet"} and account["name"] == "desk"
    file = data_dir / "wallets" / f"{account['wallet']}.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one["name"] for one in told(run, "accounts", "list")["items"]] == ["default", "desk"]

    made = told(run, "keys", "create", "--account", "desk", "--scope", "trade", "--scope", "read")
    assert set(made) == {"keyId", "key", "scopes"} and made["scopes"] == ["trade", "read"]
    assert made["key"].startswith("sf_")
    listed = run("keys", "list", "--json")
    assert made["key"] not in listed.stdout + listed.stderr
    [item] = json.loads(listed.stdout)["items"]
    assert (item["keyId"], item["account"], item["revoked"]) == (made["keyId"], "desk", False)
    assert run("keys", "revoke", made["keyId"]).returncode == 0
    assert told(run, "keys", "list")["items"][0]["revoked"] is True

    again = run("accounts", "create", "other", "--wallet", str(file))
    assert (again.returncode, again.stderr.count("\n")) == (1, 1) and "wallet_taken" in again.stderr
    unknown = run("keys", "create", "--account", "nobody", "--scope", "read")
    assert unknown.returncode == 1 and "account_not_found" in unknown.stderr
    refused = run("up", HOST="0.0.0.0", PORT="18080")  # noqa: S104
    assert refused.returncode == 1, refused.stdout
    assert "there is no API key" in refused.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "command",
    [
        ("keys", "list"),
        ("keys", "revoke", "0194f2c1-5e7b-7c3a-9d21-6b8e4f0a1c2d"),
        ("keys", "create", "--account", "desk", "--scope", "read"),
        ("accounts", "list"),
        ("accounts", "limits", "default", "--max-open-orders", "5"),
    ],
)
def test_what_needs_a_database_that_is_there_makes_none(run: Run, data_dir: Path, command: tuple[str, ...]) -> None:
    ended = run(*command)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"surefill: there is no database in DATA_DIR {data_dir}: set DATA_DIR to the engine's, or DATABASE_URL; the "
        "first surefill up makes one\n"
    )
    assert not data_dir.exists()


def test_limits_are_shown_set_one_by_one_and_lifted_by_none(run: Run) -> None:
    free = dict.fromkeys(
        [
            "maxOrderNotional",
            "maxOpenOrders",
            "maxDailyNotional",
            "maxOpenNotional",
            "ordersPerMinute",
            "pairs",
            "venues",
            "priceBandBps",
        ]
    )
    told(run, "keys", "create", "--account", "default", "--scope", "admin")
    assert told(run, "accounts", "limits", "default") == free
    some = {"maxOrderNotional": "1000.5", "maxOpenOrders": 50, "pairs": ["SOL/USDC", "JUP/USDC"], "venues": ["Orca"]}
    options = ("--max-order-notional", "1000.50", "--max-open-orders", "50", "--pairs", "usdc/SOL, JUP/USDC")
    assert told(run, "accounts", "limits", "default", *options, "--venues", "Orca") == {**free, **some}
    lifted = {**free, **some, "maxOpenOrders": None, "priceBandBps": 0}
    more = ("--max-open-orders", "none", "--price-band-bps", "0")
    assert told(run, "accounts", "limits", "default", *more) == lifted
    for options, code in (
        (("nobody",), "account_not_found"),
        (("default", "--max-open-orders", "-1"), "invalid_field"),
        (("default", "--pairs", "SOL/DOGE"), "invalid_field"),
        (("default", "--max-daily-notional", "much"), "invalid_price"),
    ):
        refused = run("accounts", "limits", *options)
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1) and code in refused.stderr, refused.stderr
    assert told(run, "accounts", "limits", "default") == lifted
    shown = run("accounts", "limits", "default").stdout
    assert "SOL/USDC, JUP/USDC" in shown and "none" in shown
