"""The wallets of accounts beside the default one: found by their files, funded on the local chain, proven, and then
signed with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import structlog
from solders.keypair import Keypair

from chains.errors import WalletError
from chains.solana_client import SolanaChain
from chains.wallet import read_keypair
from chains.wallet_files import WalletFiles
from commands.directory.commands import DirectoryCommands
from commands.known_accounts import KnownAccounts
from domain.account import Trading
from domain.directory import DEFAULT_ACCOUNT, Account
from domain.errors import DomainError
from localnet.funding import fund
from localnet.keys import FAUCET_KEY, MARKET_KEY
from runtime.settings import Settings
from runtime.signers import guard_key_of
from workers.errors import TRANSIENT_ERRORS
from workers.signers import AccountSigner

AGAIN_S = 2.0
LOCALNET = "localnet"

log = structlog.get_logger(__name__)

Begin = Callable[[UUID, AccountSigner], Awaitable[None]]
"""Begin to sign for an account."""


def signer_of(settings: Settings, account: Account) -> AccountSigner:
    """The signer of an account that has a wallet and isn't the default one. Raises ``WalletError``."""
    if account.wallet is None:
        raise WalletError(f"the account {account.name} has no wallet")
    wallet = WalletFiles(settings.wallets_directory).load(account.wallet)
    return AccountSigner(wallet, guard_key_of(settings, wallet))


class AccountWallets:
    """Looks for the wallet of each account, now and of those that come, and begins to sign with it."""

    def __init__(
        self,
        settings: Settings,
        accounts: KnownAccounts,
        directory: DirectoryCommands,
        chain: SolanaChain,
        network: str | None,
        trading: Callable[[], Awaitable[Trading]],
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._directory = directory
        self._chain = chain
        self._trading = trading
        self._is_local = network == LOCALNET and (self._localnet / MARKET_KEY).exists()
        self._changed = asyncio.Event()
        self._said: dict[UUID, str] = {}

    async def run(self, begin: Begin) -> None:
        """Until it is cancelled. Each account is begun once; one whose wallet can't be had is tried again."""
        stop = self._accounts.when_changed(self._changed.set)
        begun = {DEFAULT_ACCOUNT}
        try:
            while True:
                self._changed.clear()
                for account in self._accounts.accounts:
                    if account.account_id not in begun and await self._try(account, begin):
                        begun.add(account.account_id)
                waiting = any(account.account_id not in begun for account in self._accounts.accounts)
                try:
                    async with asyncio.timeout(AGAIN_S if waiting else None):
                        await self._changed.wait()
                except TimeoutError:
                    pass
        finally:
            stop()

    async def _try(self, account: Account, begin: Begin) -> bool:
        try:
            if account.wallet is None:
                if self._is_local:
                    await self._make(account)
                return False  # What is bound comes by the log.
            signer = signer_of(self._settings, account)
            if self._is_local and await self._chain.lamports(account.wallet) == 0:
                await fund(self._chain, *self._rich(), account.wallet)
            await begin(account.account_id, signer)
        except WalletError as missing:
            self._say(account, str(missing))
            return False
        except TRANSIENT_ERRORS as error:
            self._say(account, f"{type(error).__name__}: {error}"[:200])
            return False
        log.info("an account's wallet is known", account=account.name, wallet=account.wallet)
        return True

    async def _make(self, account: Account) -> None:
        """A wallet for an account on the local chain that has none. Another worker may be first.

        One that belongs to nobody is taken before another is made: it is that of an account which the log has lost, or
        of a process that ended before it could say whose it is. Raises ``WalletError`` while the log is
        behind: then none is made or taken.
        """
        # Asked here, too, since the worker is held back only once its process has seen that the log is behind.
        if (await self._trading()).behind:
            raise WalletError("the log is behind, and may have lost which wallet the account has")
        files, bound = WalletFiles(self._settings.wallets_directory), {one.wallet for one in self._accounts.accounts}
        wallet = next((one for one in files.addresses() if one not in bound), None) or files.create()
        try:
            await self._directory.bind_any_wallet(account.account_id, wallet, by="surefill")
        except DomainError as refused:
            log.info("an account has got its wallet from another process", account=account.name, code=refused.code)

    @property
    def _localnet(self) -> Path:
        return self._settings.data_dir / "localnet"

    def _rich(self) -> tuple[Keypair, Keypair]:
        return read_keypair(self._localnet / MARKET_KEY), read_keypair(self._localnet / FAUCET_KEY)

    def _say(self, account: Account, problem: str) -> None:
        """Once, while it stays the same."""
        if self._said.get(account.account_id) != problem:
            log.error("nothing is signed for an account", account=account.name, reason=problem)
        self._said[account.account_id] = problem
