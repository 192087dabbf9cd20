"""A transaction's error as Solana's JSON-RPC writes it, and as its log line says it."""

from __future__ import annotations

import re
from typing import Any, cast

from solders.transaction_status import (
    InstructionErrorCustom,
    TransactionErrorDuplicateInstruction,
    TransactionErrorInstructionError,
    TransactionErrorInsufficientFundsForRent,
    TransactionErrorProgramExecutionTemporarilyRestricted,
    TransactionErrorType,
)

_CAPITALS = re.compile(r"(?<!^)(?=[A-Z])")

BLOCKHASH_NOT_FOUND = "BlockhashNotFound"
ALREADY_PROCESSED = "AlreadyProcessed"
SIGNATURE_FAILURE = "SignatureFailure"

_SENTENCES = {
    BLOCKHASH_NOT_FOUND: "Blockhash not found",
    ALREADY_PROCESSED: "This transaction has already been processed",
    SIGNATURE_FAILURE: "Transaction did not pass signature verification",
    "AccountNotFound": "Attempt to debit an account but found no record of a prior credit.",
    "InsufficientFundsForFee": "Insufficient funds for fee",
    "ProgramAccountNotFound": "Attempt to load a program that does not exist",
    "SanitizeFailure": "Transaction failed to sanitize accounts offsets correctly",
}

ErrorJson = str | dict[str, Any]


def error_json(error: TransactionErrorType) -> ErrorJson:
    """``"InsufficientFundsForFee"``, ``{"InstructionError": [3, {"Custom": 6006}]}`` and so on."""
    match error:
        case TransactionErrorInstructionError():
            return {"InstructionError": [error.index, _instruction_error_json(error.err)]}
        case TransactionErrorDuplicateInstruction():
            return {"DuplicateInstruction": error.index}
        case TransactionErrorInsufficientFundsForRent():
            return {"InsufficientFundsForRent": {"account_index": error.account_index}}
        case TransactionErrorProgramExecutionTemporarilyRestricted():
            return {"ProgramExecutionTemporarilyRestricted": {"account_index": error.account_index}}
        case _:
            return _variant(error)


def error_text(error: ErrorJson) -> str:
    """The error as a node words it: ``Error processing Instruction 3: custom program error: 0x1776``."""
    if isinstance(error, str):
        return _SENTENCES.get(error) or _words(error)
    name, value = next(iter(error.items()))
    if name == "InstructionError":
        index, what = cast("list[Any]", value)
        return f"Error processing Instruction {index}: {_instruction_error_text(what)}"
    if name == "InsufficientFundsForRent":
        return f"Transaction results in an account ({value['account_index']}) with insufficient funds for rent"
    return f"{_words(name)}: {value}"


def _instruction_error_json(error: object) -> ErrorJson:
    return {"Custom": error.code} if isinstance(error, InstructionErrorCustom) else _variant(error)


def _instruction_error_text(error: ErrorJson) -> str:
    return f"custom program error: {error['Custom']:#x}" if isinstance(error, dict) else _words(error)


def _variant(error: object) -> str:
    """solders prints an enumeration's member as ``Type.Member``."""
    return str(error).rsplit(".", 1)[-1]


def _words(name: str) -> str:
    return _CAPITALS.sub(" ", name).capitalize()
