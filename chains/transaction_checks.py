"""The last look before signing: the message does this swap and nothing else, whoever proposed its instructions."""

from __future__ import annotations

from collections.abc import Collection

from solders.message import MessageV0, to_bytes_versioned

from chains.errors import TransactionRefusedError
from chains.transactions import MEMO_PROGRAM

COMPUTE_BUDGET_PROGRAM = "ComputeBudget111111111111111111111111111111"

MAX_TRANSACTION_BYTES = 1232
_SIGNATURE_BYTES = 64


def check(message: MessageV0, *, wallet: str, memo: str, programs: Collection[str]) -> None:
    """Raise TransactionRefusedError unless ``message`` is safe to sign.

    ``wallet`` pays and alone signs; ``memo`` is its one memo; beside memo and compute budget it calls ``programs``
    only; it uses no lookup table, whose accounts nobody here has seen; signed it fits into a packet. What a program
    in ``programs`` is asked to do is not looked at: name swap programs, not the token or system program, which move
    any of the wallet's funds.
    """
    keys = [str(key) for key in message.account_keys]
    if keys[0] != wallet:
        raise TransactionRefusedError(f"its fee payer is {keys[0]}, not the wallet")
    if message.header.num_required_signatures != 1:
        raise TransactionRefusedError("it asks for another signature than the wallet's")
    if message.address_table_lookups:
        raise TransactionRefusedError("it uses an address lookup table")
    called = [keys[step.program_id_index] for step in message.instructions]
    if unknown := set(called) - {*programs, MEMO_PROGRAM, COMPUTE_BUDGET_PROGRAM}:
        raise TransactionRefusedError(f"it calls {', '.join(sorted(unknown))}")
    memos = [step for step, program in zip(message.instructions, called, strict=True) if program == MEMO_PROGRAM]
    if [(bytes(step.data), bytes(step.accounts)) for step in memos] != [(memo.encode(), b"\0")]:
        raise TransactionRefusedError("it does not carry exactly this attempt's memo, signed by the wallet")
    size = 1 + _SIGNATURE_BYTES + len(to_bytes_versioned(message))
    if size > MAX_TRANSACTION_BYTES:
        raise TransactionRefusedError(f"signed it has {size} bytes, more than the {MAX_TRANSACTION_BYTES} of a packet")
