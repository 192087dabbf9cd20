"""The wallet of the local chain: made at its first start, and the same ever after."""

from __future__ import annotations

from pathlib import Path

from chains.signer import Signer
from localnet.journal import made_for
from runtime.errors import StartupError
from runtime.settings import Settings
from runtime.signers import signer_at


def local_wallet(settings: Settings) -> Signer:
    """Who signs on the chain in DATA_DIR/localnet. Made is only DATA_DIR/wallet.json, and only before there is a chain:
    a path that somebody gave names a wallet that there is, and a chain knows no other wallet than its own.

    Raises ``StartupError``.
    """
    directory, source = settings.data_dir / "localnet", settings.wallet_source
    owner = made_for(directory)
    if isinstance(source, Path) and _is_missing(source):
        if settings.wallet_keypair:
            raise StartupError(
                f"WALLET_KEYPAIR names {source}, where nothing is: correct it; without it "
                "DATA_DIR/wallet.json is used, and made at the local chain's first start"
            )
        if owner:
            raise StartupError(
                f"the wallet {source} is missing: the chain in {directory} was made for {owner}; put a copy back"
            )
    wallet = signer_at(source, create=True)
    if owner and owner != wallet.address:
        raise StartupError(
            f"the chain in {directory} was made for wallet {owner}, not {wallet.address}: "
            "use that wallet, or another DATA_DIR"
        )
    return wallet


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass  # who reads it says why it can't be
    return False
