"""What the local chain's ledger holds, and how its rows are read and written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple

from solders.account import Account
from solders.pubkey import Pubkey
from solders.signature import Signature

# Solana no longer collects rent: a node shows every account as exempt, with this epoch.
RENT_EXEMPT_EPOCH = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Landed:
    """A transaction in the block ``number``: its bytes and its result. ``error`` and ``meta`` are JSON."""

    signature: Signature
    number: int
    error: str | None
    memo: str | None
    wire: bytes
    meta: bytes
    mentions: tuple[Pubkey, ...] = ()
    sequence: int = 0

    @property
    def error_value(self) -> object:
        return None if self.error is None else json.loads(self.error)


class Mention(NamedTuple):
    """A transaction in the list of those that name an address; ``error`` is JSON."""

    signature: Signature
    number: int
    error: str | None
    memo: str | None


@dataclass(frozen=True, slots=True)
class BlockRange:
    """Blocks from ``number`` up to and without ``until``, begun at ``unix_time`` (s), every ``slot_us`` microseconds.

    0 in a range of a second or less: its blocks all have the time of its begin.
    """

    number: int
    until: int
    unix_time: int
    slot_us: int = 0

    def time_of(self, number: int) -> int:
        """The time (s) of one of its blocks."""
        return self.unix_time + (number - self.number) * self.slot_us // 1_000_000


@dataclass(frozen=True, slots=True)
class Genesis:
    """What the chain was made from: its secret seed (32 bytes), the funded wallet and the market maker's (base58)."""

    seed: bytes
    wallet: str
    market: str

    def __repr__(self) -> str:
        return f"Genesis(wallet={self.wallet!r}, market={self.market!r})"


class Touched(NamedTuple):
    """An account that a block touched, before and after it; None where it doesn't exist."""

    address: Pubkey
    before: Account | None
    after: Account | None


@dataclass(frozen=True, slots=True)
class Settled:
    """The newest block that is confirmed, and the newest that is finalized, by number."""

    confirmed: int
    finalized: int


def account_row(
    address: Pubkey, account: Account | None
) -> tuple[bytes, int | None, bytes | None, bool | None, bytes | None]:
    if account is None:
        return bytes(address), None, None, None, None
    return bytes(address), account.lamports, bytes(account.owner), account.executable, bytes(account.data)


def account_of(
    address: bytes, lamports: int | None, owner: bytes, executable: int, data: bytes
) -> tuple[Pubkey, Account | None]:
    if lamports is None:
        return Pubkey(address), None
    return Pubkey(address), Account(lamports, data, Pubkey(owner), bool(executable), RENT_EXEMPT_EPOCH)


def landed_of(row: tuple[int, bytes, int, str | None, str | None, bytes, bytes]) -> Landed:
    sequence, signature, number, error, memo, wire, meta = row
    return Landed(Signature(signature), number, error, memo, wire, meta, sequence=sequence)
