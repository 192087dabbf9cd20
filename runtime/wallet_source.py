"""Where the wallet is: in a keypair file, in an encrypted one, or with somebody else who signs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias


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


WalletSource: TypeAlias = Path | Keystore | SignerAt
"""A path is that of a keypair file."""
