"""The local chain on disk: one SQLite file in which a block is whole or was never there.

SQLite is the journal: its write-ahead log is fsynced at each commit, a commit cut off by a crash is dropped at the next
start, and nothing needs to be executed again to know the accounts.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from solders.account import Account
from solders.pubkey import Pubkey
from solders.signature import Signature

_SCHEMA = Path(__file__).with_name("ledger.sql").read_text()
_MENTIONING = Path(__file__).with_name("mentioning.sql").read_text()
# Rent is no longer collected: every account is exempt, and that is how a node shows it.
RENT_EXEMPT_EPOCH = 2**64 - 1


class LedgerInUse(Exception):
    """Another node has this directory open."""


@dataclass(frozen=True, slots=True)
class Landed:
    """A transaction in a block: what was sent, and what came of it. ``error`` and ``meta`` are JSON."""

    signature: Signature
    height: int
    error: str | None
    memo: str | None
    wire: bytes
    meta: bytes
    mentions: tuple[Pubkey, ...] = ()
    sequence: int = 0

    @property
    def error_value(self) -> object:
        return None if self.error is None else json.loads(self.error)


@dataclass(frozen=True, slots=True)
class BlockRange:
    """Blocks from ``height`` up to and without ``until``, begun at ``unix_time`` (s)."""

    height: int
    until: int
    unix_time: int


@dataclass(frozen=True, slots=True)
class Genesis:
    """What the chain was made with: its secret seed (32 bytes), the funded wallet and the market maker's (base58)."""

    seed: bytes
    wallet: str
    market: str

    def __repr__(self) -> str:
        return f"Genesis(wallet={self.wallet!r}, market={self.market!r})"


class Ledger:
    """The ledger in ``directory``. Raises ``LedgerInUse`` where another process has it open."""

    def __init__(self, directory: Path) -> None:
        path = directory / "ledger.sqlite3"
        path.touch(mode=0o600)  # it holds the seed; SQLite gives its other files the same mode
        self._db = sqlite3.connect(path, isolation_level=None, timeout=1.0)
        try:
            for setting in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
                self._db.execute(f"PRAGMA {setting}")
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self._db.close()
            if "locked" in str(error):
                raise LedgerInUse(f"another node is running on {directory}") from error
            raise

    def close(self) -> None:
        self._db.close()

    def genesis(self) -> Genesis | None:
        """What the chain was made with, or None before ``begin``."""
        if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'genesis'").fetchone():
            return None
        return Genesis(*self._db.execute("SELECT seed, wallet, market FROM genesis").fetchone())

    def begin(self, genesis: Genesis, accounts: Iterable[tuple[Pubkey, Account]], first: BlockRange) -> None:
        """Make the chain: all of it, or none."""
        with self._transaction():
            for statement in _SCHEMA.split(";\n"):
                self._db.execute(statement)
            self._db.execute("INSERT INTO genesis VALUES (?, ?, ?)", (genesis.seed, genesis.wallet, genesis.market))
            self._put_range(first)
            self._put_accounts([(address, account) for address, account in accounts])

    def commit(
        self,
        transactions: Sequence[Landed] = (),
        accounts: Sequence[tuple[Pubkey, Account | None]] = (),
        block_range: BlockRange | None = None,
    ) -> None:
        """Write a block, durable when this returns: its transactions and the accounts they left (None: gone)."""
        with self._transaction():
            if block_range:
                self._put_range(block_range)
            self._put_accounts(accounts)
            for one in transactions:
                row = self._db.execute(
                    "INSERT INTO chain_transaction VALUES (NULL, ?, ?, ?, ?, ?, ?)",
                    (bytes(one.signature), one.height, one.error, one.memo, one.wire, one.meta),
                )
                self._db.executemany(
                    "INSERT INTO mention VALUES (?, ?)", [(bytes(key), row.lastrowid) for key in one.mentions]
                )

    def accounts(self) -> Iterable[tuple[Pubkey, Account]]:
        """Every account as of the last block."""
        for address, lamports, owner, executable, data in self._db.execute(
            "SELECT address, lamports, owner, executable, data FROM account"
        ):
            yield Pubkey(address), Account(lamports, data, Pubkey(owner), bool(executable), RENT_EXEMPT_EPOCH)

    def last_range(self) -> BlockRange:
        return BlockRange(*self._db.execute("SELECT * FROM block_range ORDER BY height DESC LIMIT 1").fetchone())

    def unix_time(self, height: int) -> int:
        """The time (s) of the block at ``height``."""
        query = "SELECT unix_time FROM block_range WHERE height <= ? ORDER BY height DESC LIMIT 1"
        return int(self._db.execute(query, (height,)).fetchone()[0])

    def find(self, signature: Signature) -> Landed | None:
        query = "SELECT * FROM chain_transaction WHERE signature = ?"
        row = self._db.execute(query, (bytes(signature),)).fetchone()
        return _landed(row) if row else None

    def place(self, signature: Signature) -> tuple[int, str | None] | None:
        """Height and error (JSON) of a transaction, or None."""
        query = "SELECT height, error FROM chain_transaction WHERE signature = ?"
        row: tuple[int, str | None] | None = self._db.execute(query, (bytes(signature),)).fetchone()
        return row

    def block(self, height: int) -> list[Landed]:
        """The transactions of a block, in the order of execution."""
        query = "SELECT * FROM chain_transaction WHERE height = ? ORDER BY sequence"
        return [_landed(row) for row in self._db.execute(query, (height,))]

    def mentioning(
        self, address: Pubkey, *, highest: int, before: int | None, after: int | None, limit: int
    ) -> list[Landed]:
        """Transactions that name ``address``, newest first; ``before`` and ``after`` are sequences, excluded."""
        named = {"address": bytes(address), "before": before, "after": after, "highest": highest, "limit": limit}
        return [_landed(row) for row in self._db.execute(_MENTIONING, named)]

    def transaction_count(self) -> int:
        return int(self._db.execute("SELECT coalesce(max(sequence), 0) FROM chain_transaction").fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _put_range(self, block_range: BlockRange) -> None:
        row = (block_range.height, block_range.until, block_range.unix_time)
        self._db.execute("INSERT INTO block_range VALUES (?, ?, ?)", row)

    def _put_accounts(self, accounts: Sequence[tuple[Pubkey, Account | None]]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?)",
            [
                (bytes(address), account.lamports, bytes(account.owner), account.executable, bytes(account.data))
                for address, account in accounts
                if account
            ],
        )
        gone = [(bytes(address),) for address, account in accounts if not account]
        self._db.executemany("DELETE FROM account WHERE address = ?", gone)


def _landed(row: tuple[int, bytes, int, str | None, str | None, bytes, bytes]) -> Landed:
    sequence, signature, height, error, memo, wire, meta = row
    return Landed(Signature(signature), height, error, memo, wire, meta, sequence=sequence)
