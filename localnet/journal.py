"""Checks that a ledger's files are what the node wrote, and tells whose chain it is, before the node opens them.
Nothing is changed by it.

SQLite silently drops everything from the first bad record of its write-ahead log on. That is right for the last
transaction, which a crash may cut off before anybody has seen its block, and wrong for all others: blocks that clients
have seen would be lost.
"""

from __future__ import annotations

import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from localnet.errors import LedgerDamagedError

LEDGER = "ledger.sqlite3"

# https://www.sqlite.org/fileformat2.html#walformat
_HEADER = struct.Struct(">8I")
_RECORD = struct.Struct(">6I")
_MAGIC = 0x377F0682


def check(ledger: Path) -> None:
    """Raise ``LedgerDamagedError`` where ``ledger`` or the write-ahead log beside it can't be trusted."""
    log = ledger.with_name(f"{ledger.name}-wal")
    written = log.exists() and any(log.read_bytes())
    if not ledger.exists() or not ledger.stat().st_size:
        if written:
            raise LedgerDamagedError(ledger, "it is empty, and its write-ahead log is not")
        return
    if written:
        _check_log(ledger, log)
    _check_pages(ledger)


def _check_log(ledger: Path, log: Path) -> None:
    content = log.read_bytes()
    if len(content) < _HEADER.size:
        return
    magic, _, page_size, _, first, second, *sums = _HEADER.unpack_from(content)
    if magic & ~1 != _MAGIC or list(_summed(content[: _HEADER.size - 8], big_endian=bool(magic & 1))) != sums:
        raise LedgerDamagedError(log, "its header is bad")
    step = _RECORD.size + page_size
    good = _HEADER.size + _good_records(ledger, log, page_size) * step
    blocks = sum(
        bool(size) and salts == [first, second]
        for _, size, *salts, _, _ in (
            _RECORD.unpack_from(content, at) for at in range(good, len(content) - _RECORD.size, step)
        )
    )
    # One block may belong to the transaction that a crash cut off: its pages reach the disk in any order.
    if blocks > 1:
        raise LedgerDamagedError(log, f"the record at byte {good} is bad, and {blocks} blocks come after it")


def _good_records(ledger: Path, log: Path, page_size: int) -> int:
    """How many records SQLite would accept, found with a copy of what it needs for that: the first page and the log."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "copy"
        with ledger.open("rb") as file, copy.open("wb") as first:
            first.write(file.read(page_size))
            first.truncate(ledger.stat().st_size)  # SQLite won't take a log into a file that is far too small for it
        shutil.copyfile(log, copy.with_name("copy-wal"))
        try:
            with closing(sqlite3.connect(copy)) as connection:
                _, records, _ = connection.execute("PRAGMA wal_checkpoint").fetchone()
        except sqlite3.DatabaseError as error:
            raise LedgerDamagedError(ledger, str(error)) from None
    return max(0, int(records))


def _summed(content: bytes, *, big_endian: bool) -> tuple[int, int]:
    first = second = 0
    words: Iterator[int] = iter(struct.unpack(f"{'>' if big_endian else '<'}{len(content) // 4}I", content))
    for word in words:
        first = (first + word + second) & 0xFFFFFFFF
        second = (second + next(words) + first) & 0xFFFFFFFF
    return first, second


def made_for(directory: Path) -> str | None:
    """The wallet (base58) that the chain in ``directory`` was made for; None where none was made yet, and where its
    ledger can't be read, as whoever opens it will say.
    """
    ledger = directory / LEDGER
    if not ledger.exists() or not ledger.stat().st_size:
        return None
    try:
        with _read_only(ledger) as connection:
            return str(connection.execute("SELECT wallet FROM genesis").fetchone()[0])
    except (sqlite3.DatabaseError, TypeError):
        return None


def _check_pages(ledger: Path) -> None:
    try:
        with _read_only(ledger) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
    except sqlite3.OperationalError as error:
        if "locked" in str(error):  # by a node that runs on it, as opening it will say
            return
        raise LedgerDamagedError(ledger, str(error)) from None
    except sqlite3.DatabaseError as error:
        raise LedgerDamagedError(ledger, str(error)) from None
    if found != ["ok"]:
        raise LedgerDamagedError(ledger, found[0].replace("\n", " "))


@contextmanager
def _read_only(ledger: Path) -> Iterator[sqlite3.Connection]:
    """A connection that changes nothing: one that may write would copy the log into the ledger as it closes. Where
    there is no log, nobody has the ledger open, and `immutable` keeps SQLite from making a log.
    """
    log, index = (ledger.with_name(f"{ledger.name}-{kind}") for kind in ("wal", "shm"))
    there_before = index.exists()
    how = "mode=ro" if log.exists() else "mode=ro&immutable=1"
    connection = sqlite3.connect(f"{ledger.absolute().as_uri()}?{how}", uri=True, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()
        if not there_before:
            index.unlink(missing_ok=True)
