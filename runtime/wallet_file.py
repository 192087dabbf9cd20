"""The wallet of the local world: made once, when the chain is ours. A real chain's wallet is given, never made."""

import json
import os
from pathlib import Path

from solders.keypair import Keypair

from runtime.errors import StartupError


def make_if_missing(file: Path) -> None:
    """A new keypair in Solana's format (a JSON list of 64 numbers), mode 0600; an existing file is left alone."""
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(list(bytes(Keypair())), stream)
        stream.flush()
        os.fsync(descriptor)
    unfinished.replace(file)


def public_key(file: Path) -> str:
    """The wallet's address, base58; StartupError names the file, never its content."""
    try:
        return str(Keypair.from_bytes(bytes(json.loads(file.read_text()))).pubkey())
    except OSError as error:
        raise StartupError(f"the wallet {file} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError):
        raise StartupError(f"the wallet {file} is not a keypair file of 64 numbers") from None
