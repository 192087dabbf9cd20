"""Keypair files in Solana's format: a JSON list of 64 numbers, readable by their owner alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

from solders.keypair import Keypair


def read_keypair(path: Path) -> Keypair:
    """The key in ``path``. Raises ``FileNotFoundError``; ``ValueError``, without the content, where it is no key."""
    try:
        return Keypair.from_bytes(bytes(json.loads(path.read_text())))
    except (ValueError, TypeError):
        raise ValueError(f"{path} holds no keypair") from None


def make_keypair(path: Path) -> Keypair:
    """A new key, written to ``path`` with mode 0600 before it is used for anything."""
    keypair = Keypair()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(list(bytes(keypair)), file)
        file.flush()
        os.fsync(file.fileno())
    return keypair
