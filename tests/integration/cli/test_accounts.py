"""`surefill accounts` and `surefill keys`, where no engine runs: they start PostgreSQL for themselves."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SUREFILL = Path(sys.executable).with_name("surefill")


def surefill(data_dir: Path, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DATA_DIR": str(data_dir), "COLUMNS": "200", **settings}
    return subprocess.run(
        [SUREFILL, *arguments], env=environment, cwd=data_dir.parent, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def told(data_dir: Path, *arguments: str) -> Any:
    ended = surefill(data_dir, *arguments, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_accounts_and_keys_are_made_listed_and_revoked_without_an_engine(data_dir: Path) -> None:
    account = told(data_dir, "accounts", "create", "desk")
    assert set(account) == {"accountId", "name", "wallet"} and account["name"] == "desk"
    file = data_dir / "wallets" / f"{account['wallet']}.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one["name"] for one in told(data_dir, "accounts", "list")["items"]] == ["default", "desk"]

    made = told(data_dir, "keys", "create", "--account", "desk", "--scope", "trade", "--scope", "read")
    assert set(made) == {"keyId", "key", "scopes"} and made["scopes"] == ["trade", "read"]
    assert made["key"].startswith("sf_")
    listed = surefill(data_dir, "keys", "list", "--json")
    assert made["key"] not in listed.stdout + listed.stderr
    [item] = json.loads(listed.stdout)["items"]
    assert (item["keyId"], item["account"], item["revoked"]) == (made["keyId"], "desk", False)
    assert surefill(data_dir, "keys", "revoke", made["keyId"]).returncode == 0
    assert told(data_dir, "keys", "list")["items"][0]["revoked"] is True

    again = surefill(data_dir, "accounts", "create", "other", "--wallet", str(file))
    assert (again.returncode, again.stderr.count("\n")) == (1, 1) and "wallet_taken" in again.stderr
    unknown = surefill(data_dir, "keys", "create", "--account", "nobody", "--scope", "read")
    assert unknown.returncode == 1 and "account_not_found" in unknown.stderr
    refused = surefill(data_dir, "up", HOST="0.0.0.0", PORT="18080")  # noqa: S104
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
def test_what_needs_a_database_that_is_there_makes_none(data_dir: Path, command: tuple[str, ...]) -> None:
    ended = surefill(data_dir, *command)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"surefill: there is no database in DATA_DIR {data_dir}: set DATA_DIR to the engine's, or DATABASE_URL; the "
        "first surefill up makes one\n"
    )
    assert not data_dir.exists()


def test_limits_are_shown_set_one_by_one_and_lifted_by_none(data_dir: Path) -> None:
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
    told(data_dir, "keys", "create", "--account", "default", "--scope", "admin")
    assert told(data_dir, "accounts", "limits", "default") == free
    some = {"maxOrderNotional": "1000.5", "maxOpenOrders": 50, "pairs": ["SOL/USDC", "JUP/USDC"], "venues": ["Orca"]}
    options = ("--max-order-notional", "1000.50", "--max-open-orders", "50", "--pairs", "usdc/SOL, JUP/USDC")
    assert told(data_dir, "accounts", "limits", "default", *options, "--venues", "Orca") == {**free, **some}
    lifted = {**free, **some, "maxOpenOrders": None, "priceBandBps": 0}
    more = ("--max-open-orders", "none", "--price-band-bps", "0")
    assert told(data_dir, "accounts", "limits", "default", *more) == lifted
    for options, code in (
        (("nobody",), "account_not_found"),
        (("default", "--max-open-orders", "-1"), "invalid_field"),
        (("default", "--pairs", "SOL/DOGE"), "invalid_field"),
        (("default", "--max-daily-notional", "much"), "invalid_price"),
    ):
        refused = surefill(data_dir, "accounts", "limits", *options)
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1) and code in refused.stderr, refused.stderr
    assert told(data_dir, "accounts", "limits", "default") == lifted
    shown = surefill(data_dir, "accounts", "limits", "default").stdout
    assert "SOL/USDC, JUP/USDC" in shown and "none" in shown
