"""Who signs, by what the settings say of the wallet and of the guards' key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from chains.errors import WalletError
from chains.guard import GuardKey
from chains.keystore import read_keystore
from chains.signer import Signer
from chains.wallet import Wallet
from runtime.errors import StartupError
from runtime.settings import Settings
from runtime.wallet_source import Keystore, KeyText, SignerAt, WalletSource


def signer_at(source: WalletSource, *, create: bool = False) -> Signer:
    """Who signs for the wallet; raises ``StartupError``. A signer elsewhere isn't asked before it is needed.

    ``create``: a keypair file that isn't there is made, for a chain of our own.
    """
    match source:
        case SignerAt(url, address, timeout):
            from chains.http_signer import HttpSigner  # with it comes the HTTP client: not for every command's start

            return HttpSigner(url, address, timeout=timeout)
        case KeyText(text):
            return _or_startup_error(lambda: Wallet.from_text(text))
        case Keystore(file, password):
            return _or_startup_error(lambda: Wallet(read_keystore(file, password)))
        case Path():
            return load_wallet(source, create=create)


def load_wallet(file: Path, *, create: bool = False) -> Wallet:
    """The wallet in ``file``, a new one where ``create`` is set and there is none. Raises ``StartupError``.

    A wallet is only made for a chain of our own; that of a real chain is given.
    """
    return _or_startup_error(lambda: Wallet.load_or_create(file) if create else Wallet.load(file))


def _or_startup_error(read: Callable[[], Wallet]) -> Wallet:
    try:
        return read()
    except WalletError as refused:
        raise StartupError(str(refused)) from None


def guard_key_of(settings: Settings, wallet: Signer) -> GuardKey:
    """The key in GUARD_KEY, else the one that follows from the wallet's; raises ``StartupError`` without either."""
    key = GuardKey(bytes.fromhex(settings.guard_key)) if settings.guard_key else wallet.guard_key()
    if key is None:
        raise StartupError("GUARD_KEY must be set: the wallet's key, which it would follow from, isn't here")
    return key
