"""The keypair that pays and signs, and the one way a keypair file is read and written.

The wallet's secret leaves this module only as signatures; the local chain, which is nobody's money, reads the keys of
its market and its faucet as they are.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import stat
from pathlib import Path
from typing import Self

from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from chains.durable_file import write_durably
from chains.errors import TransactionRefusedError, WalletError
from chains.guard import GuardKey
from chains.reclaim import check_reclaim

_LENGTH = 64


class Wallet:
    """A Solana keypair in this process. Nothing shows its secret: not ``repr``, not pickling, not an error."""

    __slots__ = ("__keypair", "__pubkey", "_address")

    def __init__(self, keypair: Keypair) -> None:
        self.__keypair = keypair
        # Kept: the keypair computes it from the secret each time, which takes half as long as a signature.
        self.__pubkey = keypair.pubkey()
        self._address = str(self.__pubkey)

    @property
    def address(self) -> str:
        return self._address

    @classmethod
    def load(cls, path: Path) -> Self:
        """The wallet in a keypair file; raises WalletError as ``read_keypair`` does."""
        return cls(read_keypair(path))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The wallet in the content of a keypair file; raises WalletError, without it."""
        try:
            return cls(_keypair(text.strip()))
        except (ValueError, TypeError, RecursionError):
            raise WalletError("WALLET_KEY holds no keypair: 64 numbers as JSON, or base58") from None

    @classmethod
    def create(cls, path: Path) -> Self:
        """A new random wallet in a new file; raises FileExistsError over an old one."""
        return cls(create_keypair(path))

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """The wallet in ``path``; a new one where there is no such file. Raises WalletError."""
        try:
            return cls.create(path)
        except FileExistsError:
            return cls.load(path)
        except OSError as error:
            raise WalletError(f"the wallet {path} can't be made: {error.strerror}") from None

    def sign(self, message: MessageV0) -> VersionedTransaction:
        """``message`` with the wallet's signature: it must be the only one that the message asks for.

        Signed here and not by solders' constructor, which costs twice as much. Raises TransactionRefusedError.
        """
        if message.header.num_required_signatures != 1 or message.account_keys[0] != self.__pubkey:
            raise TransactionRefusedError("the message asks for another signature than the wallet's")
        signature = self.__keypair.sign_message(to_bytes_versioned(message))
        return VersionedTransaction.populate(message, [signature])

    def sign_reclaim(self, message: MessageV0, guard_key: GuardKey) -> VersionedTransaction:
        """A reclaim with the wallet's signature and the guard authority's, checked before either is made; the canary is
        never closed. Raises TransactionRefusedError.
        """
        canary = guard_key.canary(self.address).address
        check_reclaim(message, wallet=self.address, authority=guard_key.authority, kept=(canary,))
        signature = self.__keypair.sign_message(to_bytes_versioned(message))
        return VersionedTransaction.populate(message, [signature, guard_key.sign_checked(message)])

    async def signed(self, message: MessageV0) -> VersionedTransaction:
        """As ``sign``."""
        return self.sign(message)

    async def signed_reclaim(self, message: MessageV0, guard_key: GuardKey) -> VersionedTransaction:
        """As ``sign_reclaim``."""
        return self.sign_reclaim(message, guard_key)

    def guard_key(self) -> GuardKey:
        """The guard key that follows from the wallet's own: whoever has the wallet's file has it too."""
        return GuardKey(hmac.new(self.__keypair.secret(), b"surefill guard key", hashlib.sha256).digest())

    async def close(self) -> None:
        """It holds no connection."""

    def __repr__(self) -> str:
        return f"Wallet({self.address})"

    def __reduce__(self) -> str:
        raise TypeError("a wallet is not serialized")


def read_keypair(path: Path) -> Keypair:
    """From a keypair file: Solana's JSON list of 64 numbers, or the 64 bytes in base58.

    Raises WalletError where it is missing, not a keypair, or open to other users.
    """
    try:
        with path.open() as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WalletError(f"the wallet {path} can't be read: {_reason(error)}") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise WalletError(f"the wallet {path} is open to other users: chmod 600 it")
    try:
        return _keypair(text)
    except (ValueError, TypeError, RecursionError):
        raise WalletError(
            f"the wallet {path} holds no keypair (64 numbers as JSON, or base58): put a copy back"
        ) from None


def create_keypair(path: Path) -> Keypair:
    """A new random keypair in a new file that its owner alone can read; raises FileExistsError over an old one.

    The file is there whole or not at all: half a keypair would stop every later start.
    """
    if path.exists():
        raise FileExistsError(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    keypair = Keypair()
    write_durably(path, keypair.to_json())
    return keypair


def _reason(error: OSError | UnicodeDecodeError) -> str:
    """In a few words; a decoding error's own would show the content."""
    return (error.strerror if isinstance(error, OSError) else None) or "it is no text"


def _keypair(text: str) -> Keypair:
    # solders panics on a bad base58 keypair; a signature has 64 bytes too, and reading one does not.
    raw = bytes(json.loads(text)) if text.startswith("[") else bytes(Signature.from_string(text))
    if len(raw) != _LENGTH:
        raise ValueError("not 64 bytes")
    keypair = Keypair.from_seed(raw[:32])
    if bytes(keypair) != raw:
        raise ValueError("the two halves do not belong together")
    return keypair
