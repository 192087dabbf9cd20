"""Opens the chain kept in a directory, or makes it there the first time."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

from solders.pubkey import Pubkey

from localnet.bank import Bank
from localnet.chain import Chain
from localnet.errors import ForeignDirectoryError
from localnet.genesis import genesis_accounts
from localnet.keys import FAUCET_KEY, MARKET_KEY, key_for_a_new_chain, read_key
from localnet.ledger import Ledger
from localnet.ledger_rows import BlockRange, Genesis
from localnet.program import PROGRAM_FILE
from localnet.rpc.node import Node
from localnet.world import EARLIER_WALLET_LAMPORTS, WALLET_LAMPORTS
from venues.constant_product import PROGRAM_ID


def open_node(directory: Path, wallet: str, *, slot_ms: int, finality: int, readable_back: int = 0) -> Node:
    """The chain in ``directory`` with ``wallet`` funded, as it was left; made where there is none.

    Raises ``LedgerInUseError``, ``LedgerDamagedError``, and ``ForeignDirectoryError``, also for the keys beside the
    chain.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    ledger = Ledger(directory)
    genesis = ledger.genesis()
    if genesis is None:
        genesis = _begin(ledger, directory, wallet)
    if genesis.wallet != wallet:
        ledger.close()
        raise ForeignDirectoryError(f"the chain in {directory} was made for wallet {genesis.wallet}, not {wallet}")
    ledger.top_up(Pubkey.from_string(wallet), WALLET_LAMPORTS - EARLIER_WALLET_LAMPORTS)
    faucet = read_key(directory / FAUCET_KEY)
    program = Pubkey.from_string(PROGRAM_ID)
    bank = Bank(ledger.accounts(), {program: PROGRAM_FILE.read_bytes()}, ledger.undo())
    chain = Chain(ledger, bank, genesis, slot_ms=slot_ms, finality=finality, readable_back=readable_back)
    return Node(chain, faucet)


def _begin(ledger: Ledger, directory: Path, wallet: str) -> Genesis:
    market, faucet = (key_for_a_new_chain(directory / name) for name in (MARKET_KEY, FAUCET_KEY))
    genesis = Genesis(secrets.token_bytes(32), wallet, str(market.pubkey()))
    accounts = genesis_accounts(Pubkey.from_string(wallet), market.pubkey(), faucet.pubkey())
    ledger.begin(genesis, accounts, BlockRange(number=0, until=1, unix_time=int(time.time())))
    return genesis
