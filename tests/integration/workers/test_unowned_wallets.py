"""A log that has lost an account still has the key file of its wallet: recover says what that wallet has signed."""

from __future__ import annotations

import pytest

from chains.wallet_files import WalletFiles
from cli.outside import outside_orders
from cli.recover import Orders, _recover
from commands.accounts import Behind
from commands.ids import DEFAULT_ACCOUNT
from runtime.account_wallets import signer_of
from runtime.errors import StartupError
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_account_wallets import desk, submit, visits_of
from tests.integration.workers.test_execution import QUICK
from tests.skipping import hurried
from workers.execution.executor import Executor

NONE, ALL = Orders(frozenset(), others=False), Orders(frozenset(), others=True)


async def lost_wallet(engine: EngineHarness, other: EngineHarness) -> str:
    """The wallet of an account that has executed one order, and that the log of ``other``, now behind, has lost."""
    account = await desk(engine)
    assert account.wallet
    executor = Executor(visits_of(engine, account, signer_of(engine.settings, account)), engine.store.work)
    ordered = await submit(engine, account.account_id)
    await engine.execute(ordered, executor=executor)
    engine.start_tracker(QUICK)
    assert (await engine.until(ordered, lambda order: order.ended)).status == "confirmed"
    await engine.stop()
    assert await other.accounts.found_behind(DEFAULT_ACCOUNT, Behind("put back", 0))
    return account.wallet


async def test_recover_says_which_wallet_has_history_of_no_account_and_exits_with_1(
    engine: EngineHarness, other: EngineHarness, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wallet = await lost_wallet(engine, other)
    # Neither of them has a history: a wallet that was never used, and a file that is no wallet's.
    WalletFiles(other.settings.wallets_directory).create()
    (other.settings.wallets_directory / "notes.json").write_text("{}")
    for name in ("database_url", "redis_url", "solana_rpc_url", "data_dir"):
        monkeypatch.setenv(name.upper(), str(getattr(other.settings, name)))
    said = f"the wallet {wallet} has history that belongs to no account: 1 transactions"
    with pytest.raises(StartupError, match=r"^no order is open; to finish: surefill recover --because TEXT$"):
        async with hurried(engine.rpc_url):
            await _recover(NONE, NONE, "")
    shown = capsys.readouterr().out
    assert said in shown and shown.count("belongs to no account") == 1

    with pytest.raises(StartupError, match=said):
        async with hurried(engine.rpc_url):
            await _recover(ALL, NONE, "looked at")
    assert "Trading is still halted" in capsys.readouterr().out
    assert await other.accounts.unrecovered(DEFAULT_ACCOUNT) is None


async def test_once_its_account_is_made_again_what_the_wallet_signed_is_recorded(
    engine: EngineHarness, other: EngineHarness
) -> None:
    wallet = await lost_wallet(engine, other)
    account = await other.store.directory.open("desk", wallet, by="test")
    async with hurried(engine.rpc_url), outside_orders(other.settings, other.store) as outside:
        read = await outside.record()
        assert await outside.of_no_account(read) == {}
    assert [one.wallet for one in read.recorded] == [wallet]
    assert len(await other.store.foreign.found(account.account_id)) == 1
