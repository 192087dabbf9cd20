"""`surefill doctor` says what is halted, and of what."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import trading
from cli.doctor import examine
from commands.accounts import Behind
from commands.ids import DEFAULT_ACCOUNT
from runtime.composition import Store
from runtime.doctor.finding import Finding
from runtime.doctor.trading import look_at_trading
from runtime.errors import SettingsError
from runtime.settings import Settings
from tests.integration.conftest import TestDatabase
from tests.integration.workers.conftest import rpc_url

__all__ = ["rpc_url"]


def summed(found: Finding) -> tuple[str, bool, bool]:
    """Its verdict, whether a venue is named, whether the reason is."""
    return found.verdict, "venue Orca: halted by " in found.sentence, "a bad pool" in found.sentence


async def test_a_halted_venue_is_looked_at_and_a_halted_engine_is_wrong(store: Store, database: TestDatabase) -> None:
    assert (await look_at_trading(database.app)).verdict == "well"
    await trading._set("halted", None, "Orca", "a bad pool", False)
    found = await look_at_trading(database.app)
    assert summed(found) == ("look", True, True)
    assert "surefill trading resume" in found.advice
    await trading._set("halted", None, None, "the night", False)
    both = await look_at_trading(database.app)
    assert summed(both) == ("wrong", True, True) and "the night" in both.sentence
    await trading._set("active", None, None, "morning", False)
    await trading._set("reducing", "desk", None, "sells alone", False)
    one = await look_at_trading(database.app)
    assert (one.verdict, "account desk: reducing by " in one.sentence) == ("look", True)


async def test_a_log_that_was_put_back_is_to_be_recovered(store: Store, database: TestDatabase) -> None:
    assert await store.accounts.found_behind(DEFAULT_ACCOUNT, Behind("it was put back", 0))
    found = await look_at_trading(database.app)
    assert (found.verdict, found.advice) == ("wrong", "run surefill recover")


async def test_a_database_that_is_away_hides_nothing_else(rpc_url: str, tmp_path: Path, database: TestDatabase) -> None:
    async def looked(database_url: str) -> list[Finding]:
        return await examine(Settings(solana_rpc_url=rpc_url, data_dir=tmp_path, database_url=database_url))

    [away] = [one for one in await looked("postgresql://a:hunter2@127.0.0.1:1/d") if one.verdict == "wrong"]
    assert away.what == "trading"
    assert "DATABASE_URL" in away.sentence and "hunter2" not in away.sentence
    with pytest.raises(SettingsError, match=r"DATABASE_URL: "):
        await looked("postgresql://a:hunter2@h:port/d")
    found = await looked(database.app)
    assert [one.sentence for one in found if one.what == "trading"] == ["nothing is halted"]
    assert {"rpc", "wallet", "prices"} <= {one.what for one in found}
