"""The wallet of a chain made before orders made guards gets the lamports that wallets start with now, once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from solders.keypair import Keypair

from localnet.bootstrap import open_node
from localnet.journal import LEDGER
from localnet.world import EARLIER_WALLET_LAMPORTS, WALLET_LAMPORTS

WALLET = Keypair().pubkey()


def lamports(directory: Path) -> list[int]:
    """What a reader of the newest and of the finalized state sees."""
    node = open_node(directory, str(WALLET), slot_ms=100, finality=32)
    accounts = [node.chain.account(WALLET, commitment) for commitment in ("processed", "finalized")]  # type: ignore[arg-type]
    node.chain.ledger.close()
    return [account.lamports for account in accounts if account]


def make_earlier(directory: Path) -> None:
    """As the version before left it."""
    with closing(sqlite3.connect(directory / LEDGER, isolation_level=None)) as ledger:
        ledger.execute("DROP TABLE wallet_topped_up")
        ledger.execute("PRAGMA user_version = 3")
        changed = ledger.execute("UPDATE account SET lamports = ? WHERE address = ?", (spent(), bytes(WALLET)))
        assert changed.rowcount == 1


def spent() -> int:
    return EARLIER_WALLET_LAMPORTS - 5_000


def test_a_new_wallet_starts_with_ten_thousand_sol(tmp_path: Path) -> None:
    assert lamports(tmp_path) == [10_000 * 10**9] * 2
    assert lamports(tmp_path) == [10_000 * 10**9] * 2


def test_an_older_chains_wallet_gets_the_difference_once(tmp_path: Path) -> None:
    lamports(tmp_path)
    make_earlier(tmp_path)
    assert lamports(tmp_path) == [WALLET_LAMPORTS - 5_000] * 2
    assert lamports(tmp_path) == [WALLET_LAMPORTS - 5_000] * 2
