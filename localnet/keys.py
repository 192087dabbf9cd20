"""The keys beside the local chain: its market's and its faucet's. What they own is fixed when the chain is begun."""

from __future__ import annotations

from pathlib import Path

import structlog
from solders.keypair import Keypair

from chains.errors import WalletError
from chains.wallet import create_keypair, read_keypair
from localnet.errors import ForeignDirectoryError
from localnet.journal import LEDGER

MARKET_KEY = "market.json"
FAUCET_KEY = "faucet.json"

log = structlog.get_logger(__name__)


def read_key(path: Path) -> Keypair:
    """Of a chain that was begun: no other key owns what this one does. Raises ``ForeignDirectoryError``."""
    if not path.exists():
        raise ForeignDirectoryError(f"{path} is missing: the chain beside it can't be used without")
    try:
        return read_keypair(path)
    except WalletError as error:
        raise ForeignDirectoryError(f"{error}; the chain beside it can't be used without") from None


def key_for_a_new_chain(path: Path) -> Keypair:
    """The key that a start left which was cut off before its ledger was written; a new one where none can be read."""
    if path.exists():
        try:
            return read_keypair(path)  # it owns nothing yet, and is used
        except WalletError as error:
            path.replace(path.with_name(f"{path.name}.damaged"))
            log.warning("the key for a new chain could not be read, is set aside and made anew", reason=str(error))
    return create_keypair(path)


def check_keys(directory: Path) -> None:
    """Raise ``ForeignDirectoryError`` where a key beside the chain in ``directory`` is there and can't be read."""
    ledger = directory / LEDGER
    if not ledger.exists() or not ledger.stat().st_size:
        return
    for name in (MARKET_KEY, FAUCET_KEY):
        if (directory / name).exists():
            read_key(directory / name)
