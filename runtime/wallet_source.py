"""Where the wallet is: in a keypair file, the environment, an encrypted file, or with somebody else who signs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class KeyText:
    """The content of a keypair file, from the environment."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keystore:
    file: Path
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignerAt:
    """``url`` may hold a secret; ``timeout`` in seconds."""

    url: str = field(repr=False)
    address: str
    timeout: float


WalletSource: TypeAlias = Path | KeyText | Keystore | SignerAt
"""A path is that of a keypair file."""
