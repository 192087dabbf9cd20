"""What an instruction of Solana's own programs does to an account, in the words of a refusal."""

from __future__ import annotations

from collections.abc import Sequence

from solders.pubkey import Pubkey
from solders.token import ID as TOKEN

from chains.decoding import Step
from chains.own_accounts import TOKEN_2022
from chains.refusals import RefusalReason
from chains.transactions import COMPUTE_BUDGET_PROGRAM, MAX_COMPUTE_UNITS, MEMO_PROGRAM

COMPUTE_BUDGET = Pubkey.from_string(COMPUTE_BUDGET_PROGRAM)
MEMO = Pubkey.from_string(MEMO_PROGRAM)
TOKEN_PROGRAMS = (TOKEN, TOKEN_2022)

_LIMIT, _PRICE = 2, 3
_MICRO = 1_000_000

# By the first byte of the data; spl_token::instruction::TokenInstruction.
_TOKEN_CALLS = {
    3: RefusalReason.TRANSFER,
    4: RefusalReason.ACCOUNT_DELEGATED,
    6: RefusalReason.ACCOUNT_REASSIGNED,
    8: RefusalReason.TRANSFER,
    9: RefusalReason.ACCOUNT_CLOSED,
    12: RefusalReason.TRANSFER,
    13: RefusalReason.ACCOUNT_DELEGATED,
    15: RefusalReason.TRANSFER,
}
# By the first four bytes, little-endian; solana_system_interface::SystemInstruction.
_SYSTEM_CALLS = {
    0: RefusalReason.ACCOUNT_MADE,
    1: RefusalReason.ACCOUNT_REASSIGNED,
    2: RefusalReason.TRANSFER,
    3: RefusalReason.ACCOUNT_MADE,
    4: RefusalReason.DURABLE_NONCE,
    5: RefusalReason.TRANSFER,
    10: RefusalReason.ACCOUNT_REASSIGNED,
    11: RefusalReason.TRANSFER,
}


def meant_by(step: Step) -> RefusalReason:
    """What a call of the system program or a token program would do; ``account_changed`` where it is none of these."""
    if step.program in TOKEN_PROGRAMS:
        return _TOKEN_CALLS.get(step.data[0] if step.data else -1, RefusalReason.ACCOUNT_CHANGED)
    return _SYSTEM_CALLS.get(int.from_bytes(step.data[:4], "little"), RefusalReason.ACCOUNT_CHANGED)


def priority_lamports(steps: Sequence[Step]) -> int | None:
    """What these compute budget instructions offer for priority, rounded up.

    None where they aren't one limit, and at most one price, as the chain would read them.
    """
    values: dict[int, int] = {}
    for step in steps:
        kind = step.data[0] if step.data else 0
        width = {_LIMIT: 4, _PRICE: 8}.get(kind)
        if width is None or kind in values or len(step.data) != 1 + width or step.accounts:
            return None
        values[kind] = int.from_bytes(step.data[1:], "little")
    limit = values.get(_LIMIT)
    if limit is None or limit > MAX_COMPUTE_UNITS:
        return None
    return -(-limit * values.get(_PRICE, 0) // _MICRO)
