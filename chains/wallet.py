"""The keypair that pays and signs. Its secret leaves this file only as signatures."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Self

from solders.keypair import Keypair
from solders.message import MessageV0
from solders.signature import Signature
from solders.transaction import VersionedTransaction

_LENGTH = 64


class WalletError(Exception):
    """The keypair file can't be used; a sentence for the operator, never the file's content."""


class Wallet:
    """A Solana keypair. Nothing shows its secret: not ``repr``, not pickling, not an error."""

    __slots__ = ("__keypair", "address")

    def __init__(self, keypair: Keypair) -> None:
        self.__keypair = keypair
        self.address = str(keypair.pubkey())

    @classmethod
    def load(cls, path: Path) -> Self:
        """From a keypair file: Solana's JSON list of 64 numbers, or the 64 bytes in base58.

        Raises WalletError where it is missing, not a keypair, or open to other users.
        """
        try:
            mode = path.stat().st_mode
            text = path.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise WalletError(f"the wallet {path} can't be read: {type(error).__name__}") from None
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise WalletError(f"the wallet {path} is open to other users: chmod 600 it")
        try:
            return cls(_keypair(text))
        except (ValueError, TypeError):
            raise WalletError(f"the wallet {path} holds no keypair (64 numbers as JSON, or base58)") from None

    @classmethod
    def create(cls, path: Path) -> Self:
        """A new random wallet in a new file that its owner alone can read; raises FileExistsError over an old one."""
        keypair = Keypair()
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(keypair.to_json())
            file.flush()
            os.fsync(file.fileno())
        return cls(keypair)

    def sign(self, message: MessageV0) -> VersionedTransaction:
        return VersionedTransaction(message, [self.__keypair])

    def __repr__(self) -> str:
        return f"Wallet({self.address})"

    def __reduce__(self) -> str:
        raise TypeError("a wallet is not serialized")


def _keypair(text: str) -> Keypair:
    # solders panics on a bad base58 keypair; a signature has 64 bytes too, and reading one does not.
    raw = bytes(json.loads(text)) if text.startswith("[") else bytes(Signature.from_string(text))
    if len(raw) != _LENGTH:
        raise ValueError("not 64 bytes")
    keypair = Keypair.from_seed(raw[:32])
    if bytes(keypair) != raw:
        raise ValueError("the two halves do not belong together")
    return keypair
