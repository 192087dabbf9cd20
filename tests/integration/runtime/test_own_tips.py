"""No process signs while a lander's tip would go to the wallet itself."""

from __future__ import annotations

import asyncio

import pytest

from chains.own_accounts import token_account
from chains.tips import Tip
from chains.wallet import Wallet
from domain.tokens import SOL
from runtime.errors import StartupError
from runtime.own_tips import tips_itself
from runtime.settings import Settings
from tests.integration.localnet.local_node import LocalNode
from tests.integration.runtime.test_without_a_node import WITHIN, node, role, settings

__all__ = ["node", "settings"]

ANOTHER = "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5"


async def test_a_worker_ends_by_the_name_of_the_setting(settings: Settings, node: LocalNode) -> None:
    await asyncio.to_thread(node.start)
    wallet = Wallet.load(settings.wallet_file).address
    itself = settings.model_copy(
        update={"jito_url": "http://127.0.0.1:1", "jito_tip_accounts": (ANOTHER, wallet), "paper": False}
    )
    async with role("worker", itself) as refusing:
        with pytest.raises(StartupError, match=f"JITO_TIP_ACCOUNTS names {wallet}, which is the wallet"):
            await asyncio.wait_for(refusing, WITHIN)


def test_accounts_of_the_wallets_own_are_as_little_anybody_elses(settings: Settings) -> None:
    wallet = Wallet.load(settings.wallet_file)
    address, key = wallet.address, wallet.guard_key()
    assert tips_itself({"JITO_TIP_ACCOUNTS": Tip(1_000, (ANOTHER,))}, address, key) is None
    for account in (key.canary(address).address, str(token_account(address, SOL.mint))):
        said = tips_itself({"SENDER_TIP_ACCOUNTS": Tip(1_000, (ANOTHER, account))}, address, key)
        assert said is not None
        assert said.startswith(f"SENDER_TIP_ACCOUNTS names {account}, ")
