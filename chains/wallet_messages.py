"""What a transaction that a wallet signed says and does, as far as the engine's own do: memo, guard, tips, closings.

``keys`` are the message's accounts, base58; whatever is named by a lookup table is not among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from chains.guard import SYSTEM_PROGRAM, TOKEN_PROGRAM
from chains.tips import MOST_TIP_LAMPORTS, TRANSFER_CALL
from chains.transactions import MEMO_PROGRAM
from domain.events import Purpose

_ALLOCATE_WITH_SEED = (9).to_bytes(4, "little")
_CLOSE_ACCOUNT = b"\x09"
_TOKEN_PROGRAM_BYTES = bytes(Pubkey.from_string(TOKEN_PROGRAM))
MEMO = re.compile(r"surefill:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([1-9][0-9]{0,8})(?::(cancel))?", re.ASCII)
RECLAIM = re.compile(r"surefill-reclaim:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Memo:
    """The attempt a transaction names, and what it is for. Anybody can write a memo: it counts only where the wallet
    signed.
    """

    order_id: UUID
    attempt: int
    purpose: Purpose = "swap"


def is_signed(transaction: VersionedTransaction, keys: list[str], wallet: str) -> bool:
    signers = keys[: transaction.message.header.num_required_signatures]
    return wallet in signers and all(transaction.verify_with_results())


def guard_of(message: Any, keys: list[str], wallet: str) -> str | None:
    """The account that the transaction allocates for the token program from the wallet as its base, if it does."""
    for step in message.instructions:
        accounts = [keys[index] for index in bytes(step.accounts) if index < len(keys)]
        data = bytes(step.data)
        if keys[step.program_id_index : step.program_id_index + 1] != [SYSTEM_PROGRAM] or accounts[1:] != [wallet]:
            continue
        if data.startswith(_ALLOCATE_WITH_SEED) and data.endswith(_TOKEN_PROGRAM_BYTES):
            return accounts[0]
    return None


def tipped_by(message: Any, keys: list[str], wallet: str, guard: str) -> int:
    """What a transaction that makes ``guard`` transfers from the wallet to others, in lamports: tips to landers; 0
    where that is too much for them.
    """
    tipped = 0
    for step in message.instructions:
        accounts = [keys[index] for index in bytes(step.accounts) if index < len(keys)]
        data = bytes(step.data)
        is_transfer = keys[step.program_id_index : step.program_id_index + 1] == [SYSTEM_PROGRAM] and (
            data.startswith(TRANSFER_CALL) and len(data) == len(TRANSFER_CALL) + 8
        )
        if is_transfer and accounts[:1] == [wallet] and accounts[1:] not in ([guard], [wallet]):
            tipped += int.from_bytes(data[len(TRANSFER_CALL) :], "little")
    return tipped if tipped <= MOST_TIP_LAMPORTS else 0


def closed_by(message: Any, keys: list[str], wallet: str) -> Iterator[str]:
    for step in message.instructions:
        accounts = [keys[index] for index in bytes(step.accounts) if index < len(keys)]
        is_token_program = keys[step.program_id_index : step.program_id_index + 1] == [TOKEN_PROGRAM]
        if is_token_program and bytes(step.data) == _CLOSE_ACCOUNT and accounts[1:2] == [wallet]:
            yield accounts[0]


def memo_of(message: Any, keys: list[str]) -> Memo | None:
    found = next(filter(None, map(MEMO.fullmatch, _memos(message, keys))), None)
    return memo_named(found) if found else None


def reclaim_of(message: Any, keys: list[str]) -> UUID | None:
    found = next(filter(None, map(RECLAIM.fullmatch, _memos(message, keys))), None)
    return UUID(found[1]) if found else None


def _memos(message: Any, keys: list[str]) -> Iterator[str]:
    for step in message.instructions:
        if step.program_id_index < len(keys) and keys[step.program_id_index] == MEMO_PROGRAM:
            yield bytes(step.data).decode(errors="replace")


def memo_named(found: re.Match[str]) -> Memo:
    return Memo(UUID(found[1]), int(found[2]), "cancel" if found[3] else "swap")
