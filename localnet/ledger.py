"""The local chain on disk: one SQLite file, written one whole block at a time.

SQLite flushes its write-ahead log at each commit and drops a commit that a crash cut off. The file holds the accounts
as well, so no transaction has to be executed again after a restart.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from solders.account import Account
from solders.pubkey import Pubkey
from solders.signature import Signature

from localnet.errors import LedgerInUseError
from localnet.journal import LEDGER, check
from localnet.ledger_rows import (
    BlockRange,
    Genesis,
    Landed,
    Mention,
    Settled,
    Touched,
    account_of,
    account_row,
    landed_of,
)

# Applied in this order: a ledger of an earlier version is upgraded by the ones it lacks.
_SCRIPTS = ("ledger_1.sql", "ledger_2.sql", "ledger_3.sql", "ledger_4.sql")
_SCHEMA = [Path(__file__).with_name(name).read_text() for name in _SCRIPTS]
_MENTIONING = Path(__file__).with_name("mentioning.sql").read_text()
# So many transactions are found without a query: who sent one asks for its status every second until it is final.
_MOST_RECENT = 20_000


class Ledger:
    """The ledger in ``directory``.

    Raises ``LedgerInUseError`` where another process has it open, and ``LedgerDamagedError``.
    """

    def __init__(self, directory: Path) -> None:
        path = directory / LEDGER
        check(path)
        self._recent: dict[Signature, tuple[int, str | None]] = {}
        self._times: dict[int, int] = {}
        path.touch(mode=0o600)  # it holds the seed; SQLite gives its other files the same mode
        self._db = sqlite3.connect(path, isolation_level=None, timeout=1.0)
        try:
            for setting in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
                self._db.execute(f"PRAGMA {setting}")
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("COMMIT")
            if self._begun():
                self._upgrade()
        except sqlite3.OperationalError as error:
            self._db.close()
            if "locked" in str(error):
                raise LedgerInUseError(f"another node is running on {directory}") from error
            raise

    def close(self) -> None:
        self._db.close()

    def genesis(self) -> Genesis | None:
        """What the chain was made with, or None before ``begin``."""
        if not self._begun():
            return None
        return Genesis(*self._db.execute("SELECT seed, wallet, market FROM genesis").fetchone())

    def begin(self, genesis: Genesis, accounts: Iterable[tuple[Pubkey, Account]], first: BlockRange) -> None:
        """Write the new chain's first state, in one transaction."""
        with self._transaction():
            self._apply_schema(0)
            self._db.execute("INSERT INTO genesis VALUES (?, ?, ?)", (genesis.seed, genesis.wallet, genesis.market))
            self._db.execute("INSERT INTO wallet_topped_up VALUES (0)")
            self._put_range(first)
            self._put_accounts([(address, account) for address, account in accounts])

    def top_up(self, wallet: Pubkey, lamports: int) -> bool:
        """Add ``lamports`` to the wallet, at every block that a reader may still see: once, to a chain of a version
        whose wallets had less. Returns whether that was done.
        """
        if self._db.execute("SELECT 1 FROM wallet_topped_up").fetchone():
            return False
        with self._transaction():
            self._db.execute("INSERT INTO wallet_topped_up VALUES (?)", (lamports,))
            for table in ("account", "undo"):
                self._db.execute(
                    f"UPDATE {table} SET lamports = lamports + ? WHERE address = ?",  # noqa: S608
                    (lamports, bytes(wallet)),
                )
        return True

    def commit(
        self,
        number: int,
        transactions: Sequence[Landed],
        touched: Sequence[Touched],
        block_range: BlockRange | None,
        finalized: int,
    ) -> None:
        """Write the block ``number``; it is durable when this returns. Undo data up to ``finalized`` is deleted."""
        with self._transaction():
            if block_range:
                self._put_range(block_range)
            self._put_accounts([(account.address, account.after) for account in touched])
            self._db.execute("DELETE FROM undo WHERE number <= ?", (finalized,))
            self._db.executemany(
                "INSERT INTO undo VALUES (?, ?, ?, ?, ?, ?)",
                [(number, *account_row(account.address, account.before)) for account in touched],
            )
            for landed in transactions:
                row = self._db.execute(
                    "INSERT INTO chain_transaction VALUES (NULL, ?, ?, ?, ?, ?, ?)",
                    (bytes(landed.signature), landed.number, landed.error, landed.memo, landed.wire, landed.meta),
                )
                self._db.executemany(
                    "INSERT INTO mention VALUES (?, ?)", [(bytes(key), row.lastrowid) for key in landed.mentions]
                )
        for landed in transactions:
            self._recent[landed.signature] = (landed.number, landed.error)
        while len(self._recent) > _MOST_RECENT:
            del self._recent[next(iter(self._recent))]

    def drop(self, numbers: Sequence[int], accounts: Sequence[tuple[Pubkey, Account | None]], settled: Settled) -> None:
        """Take the newest blocks off the chain; ``accounts`` are those they touched, as they were before them."""
        first = (min(numbers),)
        with self._transaction():
            self._db.executemany("INSERT INTO dropped VALUES (?)", [(number,) for number in numbers])
            self._db.execute("UPDATE settled SET confirmed = ?, finalized = ?", (settled.confirmed, settled.finalized))
            self._put_accounts(accounts)
            undone = "SELECT sequence FROM chain_transaction WHERE number >= ?"
            self._db.execute(f"DELETE FROM mention WHERE sequence IN ({undone})", first)  # noqa: S608
            self._db.execute("DELETE FROM chain_transaction WHERE number >= ?", first)
            self._db.execute("DELETE FROM undo WHERE number >= ?", first)
        self._recent.clear()

    def dropped(self) -> list[int]:
        """The numbers of the blocks that are no longer on the chain."""
        return [number for (number,) in self._db.execute("SELECT number FROM dropped")]

    def settled(self) -> Settled:
        """What was confirmed and finalized when blocks were last dropped."""
        return Settled(*self._db.execute("SELECT confirmed, finalized FROM settled").fetchone())

    def undo(self) -> dict[int, dict[Pubkey, Account | None]]:
        """By block, oldest first: the accounts it touched as they were before it, as far as they are kept."""
        kept: dict[int, dict[Pubkey, Account | None]] = {}
        for number, *row in self._db.execute("SELECT * FROM undo ORDER BY number"):
            address, account = account_of(*row)
            kept.setdefault(number, {})[address] = account
        return kept

    def accounts(self) -> Iterable[tuple[Pubkey, Account]]:
        """Every account as of the last block."""
        for row in self._db.execute("SELECT address, lamports, owner, executable, data FROM account"):
            address, account = account_of(*row)
            if account:
                yield address, account

    def last_range(self) -> BlockRange:
        return BlockRange(*self._db.execute("SELECT * FROM block_range ORDER BY number DESC LIMIT 1").fetchone())

    def unix_time(self, number: int) -> int:
        """The time (s) of the block ``number``."""
        time = self._times.get(number)
        if time is None:
            query = "SELECT * FROM block_range WHERE number <= ? ORDER BY number DESC LIMIT 1"
            time = self._times[number] = BlockRange(*self._db.execute(query, (number,)).fetchone()).time_of(number)
        return time

    def find(self, signature: Signature) -> Landed | None:
        query = "SELECT * FROM chain_transaction WHERE signature = ?"
        row = self._db.execute(query, (bytes(signature),)).fetchone()
        return landed_of(row) if row else None

    def place(self, signature: Signature) -> tuple[int, str | None] | None:
        """Block number and error (JSON) of a transaction, or None."""
        if recent := self._recent.get(signature):
            return recent
        query = "SELECT number, error FROM chain_transaction WHERE signature = ?"
        row: tuple[int, str | None] | None = self._db.execute(query, (bytes(signature),)).fetchone()
        return row

    def block(self, number: int) -> list[Landed]:
        """The transactions of a block, in the order of execution."""
        query = "SELECT * FROM chain_transaction WHERE number = ? ORDER BY sequence"
        return [landed_of(row) for row in self._db.execute(query, (number,))]

    def mentioning(
        self, address: Pubkey, *, highest: int, before: int | None, after: int | None, limit: int
    ) -> list[Mention]:
        """Transactions that name ``address``, newest first; ``before`` and ``after`` are sequences, excluded."""
        named = {"address": bytes(address), "before": before, "after": after, "highest": highest, "limit": limit}
        found = self._db.execute(_MENTIONING, named)
        return [Mention(Signature(signature), *rest) for signature, *rest in found]

    def transaction_count(self) -> int:
        return int(self._db.execute("SELECT coalesce(max(sequence), 0) FROM chain_transaction").fetchone()[0])

    def _begun(self) -> bool:
        return bool(self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'genesis'").fetchone())

    def _upgrade(self) -> None:
        # Ledgers of the first schema have version 0: it did not set a version.
        version = max(1, self._db.execute("PRAGMA user_version").fetchone()[0])
        if version < len(_SCHEMA):
            with self._transaction():
                self._apply_schema(version)

    def _apply_schema(self, version: int) -> None:
        for script in _SCHEMA[version:]:
            for statement in script.split(";\n"):
                self._db.execute(statement)
        self._db.execute(f"PRAGMA user_version = {len(_SCHEMA)}")

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
        row = (block_range.number, block_range.until, block_range.unix_time, block_range.slot_us)
        self._db.execute("INSERT INTO block_range VALUES (?, ?, ?, ?)", row)
        self._times.clear()

    def _put_accounts(self, accounts: Sequence[tuple[Pubkey, Account | None]]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?)",
            [account_row(address, account) for address, account in accounts if account],
        )
        gone = [(bytes(address),) for address, account in accounts if not account]
        self._db.executemany("DELETE FROM account WHERE address = ?", gone)
