"""Opens the chain kept in a directory, or makes it there the first time."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from chains.wallet import create_keypair, read_keypair
from localnet.bank import Bank
from localnet.chain import Chain
from localnet.errors import ForeignDirectoryError
from localnet.genesis import genesis_accounts
from localnet.ledger import BlockRange, Genesis, Ledger
from localnet.program import PROGRAM_FILE
from localnet.rpc.node import Node
from venues.constant_product import PROGRAM_ID

MARKET_KEY = "market.json"
FAUCET_KEY = "faucet.json"


def open_node(directory: Path, wallet: str, *, slot_ms: int, finality: int) -> Node:
    """The chain in ``directory`` with ``wallet`` funded, as it was left; made where there is none.

    Raises ``LedgerInUseError``, ``LedgerDamagedError``, ``ForeignDirectoryError``, and ``WalletError`` for the keys
    beside the chain.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    ledger = Ledger(directory)
    genesis = ledger.genesis()
    if genesis is None:
        genesis = _begin(ledger, directory, wallet)
    if genesis.wallet != wallet:
        ledger.close()
        raise ForeignDirectoryError(f"the chain in {directory} was made for wallet {genesis.wallet}, not {wallet}")
    faucet = _key(directory / FAUCET_KEY)
    program = Pubkey.from_string(PROGRAM_ID)
    bank = Bank(ledger.accounts(), {program: PROGRAM_FILE.read_bytes()}, ledger.undo())
    return Node(Chain(ledger, bank, genesis, slot_ms=slot_ms, finality=finality), faucet)


def _begin(ledger: Ledger, directory: Path, wallet: str) -> Genesis:
    # A start that was cut off before its ledger was written may have left keys: they own nothing yet, and are used.
    market, faucet = (_key_or_new(directory / name) for name in (MARKET_KEY, FAUCET_KEY))
    genesis = Genesis(secrets.token_bytes(32), wallet, str(market.pubkey()))
    accounts = genesis_accounts(Pubkey.from_string(wallet), market.pubkey(), faucet.pubkey())
    ledger.begin(genesis, accounts, BlockRange(number=0, until=1, unix_time=int(time.time())))
    return genesis


def _key_or_new(path: Path) -> Keypair:
    return read_keypair(path) if path.exists() else create_keypair(path)


def _key(path: Path) -> Keypair:
    if not path.exists():
        raise ForeignDirectoryError(f"{path} is missing: the chain beside it can't be used without")
    return read_keypair(path)
