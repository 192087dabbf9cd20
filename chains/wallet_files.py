"""The wallets of accounts, each a keypair file named by its address, in one directory that who signs can read."""

from __future__ import annotations

from pathlib import Path

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from chains.durable_file import write_durably
from chains.errors import WalletError
from chains.wallet import Wallet, read_keypair


class WalletFiles:
    """The directory is made with the first wallet."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def load(self, address: str) -> Wallet:
        """The wallet with that address. Raises ``WalletError``, also where the file holds another one."""
        path = self._path(address)
        wallet = Wallet.load(path)
        if wallet.address != address:
            raise WalletError(f"{path} holds the wallet {wallet.address}: put the file of {address} back")
        return wallet

    def addresses(self) -> list[str]:
        """Of every wallet there is a file of; a file whose name is no address isn't a wallet's."""
        return sorted(path.stem for path in self._directory.glob("*.json") if _is_address(path.stem))

    def create(self) -> str:
        """A new random wallet; its address. Raises ``WalletError``."""
        return self._keep(Keypair())

    def take(self, path: Path) -> str:
        """A copy of the wallet in ``path``; its address. Raises ``WalletError`` as ``Wallet.load`` does."""
        return self._keep(read_keypair(path))

    def _keep(self, keypair: Keypair) -> str:
        address = str(keypair.pubkey())
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_durably(self._path(address), keypair.to_json())
        except OSError as error:
            raise WalletError(f"the wallet {self._path(address)} can't be written: {error.strerror}") from None
        return address

    def _path(self, address: str) -> Path:
        return self._directory / f"{address}.json"


def _is_address(text: str) -> bool:
    try:
        Pubkey.from_string(text)
    except ValueError:
        return False
    return True
