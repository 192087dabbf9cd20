"""The chain's own error and logs as one of our codes, with the original text beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from chains.guard import SYSTEM_PROGRAM
from domain.codes import Code
from domain.evidence import TransactionError
from domain.printable import printable

CustomCodes = Mapping[str, Mapping[int, Code]]
"""What a program's custom error numbers mean: program id -> number -> code."""

# A transfer of more than there is: TokenError::InsufficientFunds, SystemError::ResultWithNegativeLamports.
_INSUFFICIENT = {1: Code.INSUFFICIENT_FUNDS}
_KNOWN_PROGRAMS: CustomCodes = {
    SYSTEM_PROGRAM: _INSUFFICIENT,
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA": _INSUFFICIENT,
    "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb": _INSUFFICIENT,
}

# Variants of TransactionError by their JSON names (docs.rs/solana-transaction-error). AccountNotFound is the fee payer.
_TRANSACTION_ERRORS = {
    "AccountNotFound": Code.INSUFFICIENT_FUNDS,
    "InsufficientFundsForFee": Code.INSUFFICIENT_FUNDS,
    "BlockhashNotFound": Code.BLOCKHASH_NOT_FOUND,
}

# What a program writes itself is prefixed "Program log: " or "Program data: ", so it can't forge this line.
_FAILED = re.compile(r"Program (\w{32,44}) failed: ")

_LOG_LINES = 32
_LOG_BYTES = 4096
_DETAIL_LENGTH = 1000


def transaction_error(
    error: object, logs: Sequence[str], *, programs: list[str], custom_codes: CustomCodes
) -> TransactionError:
    """``error`` as the RPC's JSON has it (a name, or ``{name: details}``), in our codes.

    ``programs`` are the program ids of the message's instructions, in order.
    """
    return TransactionError(
        code=_code(error, logs, programs, custom_codes), detail=_detail(error), logs=_last_lines(logs)
    )


def _detail(error: object) -> str:
    """The error in its own words, which are short; an endpoint's that aren't are cut, and end by saying so."""
    text = json.dumps(error)
    return text if len(text) <= _DETAIL_LENGTH else f"{text[:_DETAIL_LENGTH]}... (cut, of {len(text)} characters)"


def _code(error: object, logs: Sequence[str], programs: list[str], custom_codes: CustomCodes) -> Code:
    match error:
        case str(name):
            return _TRANSACTION_ERRORS.get(name, Code.PROGRAM_ERROR)
        case {"InstructionError": [int(), "InsufficientFunds"]}:
            return Code.INSUFFICIENT_FUNDS
        case {"InstructionError": [int(index), {"Custom": 0}]} if programs[index : index + 1] == [SYSTEM_PROGRAM]:
            # SystemError::AccountAlreadyInUse. Ours call the system program for the guard alone.
            return Code.GUARD_TAKEN
        case {"InstructionError": [int(index), {"Custom": int(number)}]}:
            program = _failing_program(logs) or (programs[index] if index < len(programs) else "")
            known = custom_codes.get(program) or _KNOWN_PROGRAMS.get(program) or {}
            return known.get(number, Code.PROGRAM_ERROR)
        case {"InsufficientFundsForRent": {"account_index": 0}}:
            # The fee payer; another account is some program's to fund.
            return Code.INSUFFICIENT_FUNDS
        case {**variants} if len(variants) == 1:
            return _TRANSACTION_ERRORS.get(str(next(iter(variants))), Code.PROGRAM_ERROR)
    return Code.PROGRAM_ERROR


def _failing_program(logs: Sequence[str]) -> str | None:
    """The program the error comes from: the instruction's own, or one it called, which is the first to say so.

    A number alone tells nothing: 1 is "insufficient funds" for the token program and anything for another.
    """
    return next((found[1] for line in logs if (found := _FAILED.match(line))), None)


def _last_lines(logs: Sequence[str]) -> tuple[str, ...]:
    """The end of the logs, where the failure is: at most 32 lines and 4 KB, without what programs wrote unprintable."""
    kept: list[str] = []
    room = _LOG_BYTES
    for line in map(printable, reversed(logs[-_LOG_LINES:])):
        size = len(line.encode())
        if size > room:
            break
        kept.append(line)
        room -= size
    return tuple(reversed(kept))
