"""The wallet of the local world: made once, when the chain is ours. A real chain's wallet is given, never made."""

from pathlib import Path

from chains.keyfile import make_keypair, read_keypair
from runtime.errors import StartupError


def make_if_missing(file: Path) -> None:
    """A new keypair in Solana's format (a JSON list of 64 numbers), mode 0600; an existing file is left alone."""
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    make_keypair(unfinished)
    unfinished.replace(file)  # whole or not at all: a half-written wallet would stop every later start


def public_key(file: Path) -> str:
    """The wallet's address, base58; StartupError names the file, never its content."""
    try:
        return str(read_keypair(file).pubkey())
    except OSError as error:
        raise StartupError(f"the wallet {file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise StartupError(f"the wallet cannot be used: {error}") from None
