"""A ledger that isn't what the node wrote is refused as it is; what a crash cut off at its end is not missed."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.tokens import SOL, USDC
from localnet.errors import LedgerDamagedError
from localnet.journal import check
from tests.integration.localnet import local_node
from tests.integration.localnet.local_node import LocalNode
from tests.ports import free_port

HEADER, RECORD, PAGE = 32, 24, 4096
STEP = RECORD + PAGE
Damage = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNode]:
    """A chain that was killed with ten swaps in its write-ahead log."""
    node = LocalNode(tmp_path_factory.mktemp("damage") / "chain", free_port(), 20)
    node.start()
    pool = node.pool("Raydium", SOL.mint, USDC.mint)
    for number in range(10):
        node.reach(node.send(node.swap(pool, SOL.mint, 10**9 + number)))
    node.kill()
    yield node


@pytest.fixture
def directory(killed: LocalNode, tmp_path: Path) -> Path:
    return Path(shutil.copytree(killed.directory, tmp_path / "chain"))


def ends(log: bytes) -> list[int]:
    """Where each transaction of the log ends."""
    starts = range(HEADER, len(log) - STEP + 1, STEP)
    return [at + STEP for at in starts if int.from_bytes(log[at + 4 : at + 8])]


def flipped(log: bytes, at: int) -> bytes:
    return log[:at] + bytes([log[at] ^ 0x10]) + log[at + 1 :]


def zeroed(log: bytes, at: int, until: int) -> bytes:
    return log[:at] + bytes(until - at) + log[until:]


def pictured(directory: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())}


# What a crash leaves: something of the last transaction, or nothing, or what the disk had there before.
TORN: dict[str, Damage] = {
    "cut off in a record's header": lambda log: log[: ends(log)[-2] + 11],
    "cut off in a record's page": lambda log: log[: ends(log)[-1] - 1500],
    "cut off between two records of a transaction": lambda log: log[: ends(log)[-2] + STEP],
    "a tail of zeros": lambda log: zeroed(log, ends(log)[-2], len(log)) + bytes(3 * STEP),
    "the last record written and the one before it not": lambda log: zeroed(
        log, ends(log)[-1] - 2 * STEP, ends(log)[-1] - STEP
    ),
    "a log not begun": lambda log: log[:20],
    "a log of zeros": lambda log: bytes(len(log)),
}

DAMAGED: dict[str, Damage] = {
    "a bit in the first page": lambda log: flipped(log, HEADER + RECORD + 100),
    "a bit in a page in the middle": lambda log: flipped(log, ends(log)[4] - 700),
    "a bit in a record's header": lambda log: flipped(log, ends(log)[4] + 17),
    "a bit in the size of a transaction": lambda log: flipped(log, ends(log)[4] - STEP + 7),
    "a bit in the log's header": lambda log: flipped(log, 17),
    "a bit in the header's checksum": lambda log: flipped(log, 30),
    "zeros in the middle": lambda log: zeroed(log, ends(log)[3], ends(log)[5]),
    "a record missing in the middle": lambda log: log[: ends(log)[4]] + log[ends(log)[4] + STEP :],
    "a piece that was not written in the middle": lambda log: log[: ends(log)[2]] + log[ends(log)[4] :],
}


@pytest.mark.parametrize("damage", TORN.values(), ids=TORN.keys())
def test_what_a_crash_cut_off_is_no_damage(directory: Path, damage: Damage) -> None:
    log = directory / "ledger.sqlite3-wal"
    log.write_bytes(damage(log.read_bytes()))
    before = pictured(directory)
    check(directory / "ledger.sqlite3")
    assert pictured(directory) == before


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED.keys())
def test_damage_before_the_end_of_the_log_is_named_and_nothing_is_changed(directory: Path, damage: Damage) -> None:
    log = directory / "ledger.sqlite3-wal"
    log.write_bytes(damage(log.read_bytes()))
    before = pictured(directory)
    with pytest.raises(LedgerDamagedError, match=r"ledger\.sqlite3-wal: .* Nothing was changed: put a copy"):
        check(directory / "ledger.sqlite3")
    assert pictured(directory) == before


def taken_in(directory: Path) -> Path:
    """The ledger with its log taken in, as a clean stop leaves it."""
    ledger = directory / "ledger.sqlite3"
    sqlite3.connect(ledger).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    assert not (directory / "ledger.sqlite3-wal").exists()
    return ledger


PAGES: dict[str, Damage] = {
    "cut off in a page": lambda file: file[: len(file) // 2 + 100],
    "cut off between pages": lambda file: file[: len(file) // PAGE // 2 * PAGE],
    "its header overwritten": lambda file: zeroed(file, 0, 100),
    "a page of zeros": lambda file: zeroed(file, 5 * PAGE, 6 * PAGE),
    "a page of something else": lambda file: file[: 5 * PAGE] + bytes(range(256)) * 16 + file[6 * PAGE :],
}


@pytest.mark.parametrize("damage", PAGES.values(), ids=PAGES.keys())
def test_a_ledger_that_is_no_whole_database_is_named_and_left_alone(directory: Path, damage: Damage) -> None:
    ledger = taken_in(directory)
    check(ledger)
    ledger.write_bytes(damage(ledger.read_bytes()))
    before = pictured(directory)
    with pytest.raises(LedgerDamagedError, match=r"ledger\.sqlite3: "):
        check(ledger)
    assert pictured(directory) == before


def test_a_ledger_emptied_beside_its_log_is_refused(directory: Path) -> None:
    (directory / "ledger.sqlite3").write_bytes(b"")
    before = pictured(directory)
    with pytest.raises(LedgerDamagedError, match="it is empty"):
        check(directory / "ledger.sqlite3")
    assert pictured(directory) == before


def test_a_node_does_not_start_on_damage(killed: LocalNode, directory: Path) -> None:
    log = directory / "ledger.sqlite3-wal"
    log.write_bytes(DAMAGED["a bit in a page in the middle"](log.read_bytes()))
    before = pictured(directory)
    arguments = ["0", str(directory), str(killed.wallet.pubkey()), "20"]
    node = subprocess.run(
        [sys.executable, "-c", local_node.RUN, *arguments], capture_output=True, text=True, timeout=20, check=False
    )
    assert node.returncode != 0
    assert "LedgerDamagedError: the local chain's ledger is damaged" in node.stderr
    assert pictured(directory) == before
