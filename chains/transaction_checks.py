"""The last look before signing: the message does this swap and nothing else, whoever proposed its instructions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from solders.instruction import Instruction
from solders.message import MessageV0, to_bytes_versioned

from chains.errors import TransactionRefusedError
from chains.guard import Guard
from chains.transactions import COMPUTE_BUDGET_PROGRAM, MAX_TRANSACTION_BYTES, MEMO_PROGRAM

_SIGNATURE_BYTES = 64


class _Step(NamedTuple):
    program: str
    accounts: tuple[str, ...]
    data: bytes


def check(message: MessageV0, *, wallet: str, memo: str, programs: Collection[str], guard: Guard, rent: int) -> None:
    """Raise TransactionRefusedError unless ``message`` is safe to sign.

    ``wallet`` pays and alone signs; after the compute budget it first makes ``guard`` with ``rent`` lamports, byte for
    byte, and nothing else in it names the guard; ``memo`` is its one memo; beside that it calls ``programs`` only; it
    uses no lookup table, whose accounts nobody here has seen; signed it fits into a packet. What a program in
    ``programs`` is asked to do is not looked at: name swap programs, not the token or system program, which move any
    of the wallet's funds.
    """
    keys = [str(key) for key in message.account_keys]
    if keys[0] != wallet:
        raise TransactionRefusedError(f"its fee payer is {keys[0]}, not the wallet")
    if message.header.num_required_signatures != 1:
        raise TransactionRefusedError("it asks for another signature than the wallet's")
    if message.address_table_lookups:
        raise TransactionRefusedError("it uses an address lookup table")
    after_guard = _steps_after_guard(message, keys, guard, rent)
    if unknown := {step.program for step in after_guard} - {*programs, MEMO_PROGRAM}:
        raise TransactionRefusedError(f"it calls {', '.join(sorted(unknown))}")
    memos = [step for step in after_guard if step.program == MEMO_PROGRAM]
    if memos != [_Step(MEMO_PROGRAM, (wallet,), memo.encode())]:
        raise TransactionRefusedError("it does not carry exactly this attempt's memo, signed by the wallet")
    size = 1 + _SIGNATURE_BYTES + len(to_bytes_versioned(message))
    if size > MAX_TRANSACTION_BYTES:
        raise TransactionRefusedError(f"signed it has {size} bytes, more than the {MAX_TRANSACTION_BYTES} of a packet")


def _steps_after_guard(message: MessageV0, keys: Sequence[str], guard: Guard, rent: int) -> list[_Step]:
    """What the message does once the guard is made. Raises where it doesn't begin so, or names the guard again."""
    steps = [
        _Step(keys[step.program_id_index], tuple(map(keys.__getitem__, step.accounts)), bytes(step.data))
        for step in message.instructions
    ]
    limits = next((at for at, step in enumerate(steps) if step.program != COMPUTE_BUDGET_PROGRAM), len(steps))
    making = [_step(one) for one in guard.instructions(rent)]
    after = steps[limits + len(making) :]
    if steps[limits : limits + len(making)] != making:
        raise TransactionRefusedError("it does not begin by making the order's guard")
    if any(guard.address in (step.program, *step.accounts) for step in (*steps[:limits], *after)):
        raise TransactionRefusedError("it touches the order's guard after it is made")
    return after


def _step(instruction: Instruction) -> _Step:
    accounts = tuple([str(account.pubkey) for account in instruction.accounts])
    return _Step(str(instruction.program_id), accounts, bytes(instruction.data))
