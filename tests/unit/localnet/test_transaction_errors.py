"""Errors in the JSON a real node writes."""

from __future__ import annotations

import pytest
from solders.transaction_status import (
    InstructionErrorCustom,
    InstructionErrorFieldless,
    TransactionErrorDuplicateInstruction,
    TransactionErrorFieldless,
    TransactionErrorInstructionError,
    TransactionErrorInsufficientFundsForRent,
)

from localnet.transaction_errors import error_json, error_text


@pytest.mark.parametrize(
    ("error", "json", "text"),
    [
        (
            TransactionErrorInstructionError(3, InstructionErrorCustom(6006)),
            {"InstructionError": [3, {"Custom": 6006}]},
            "Error processing Instruction 3: custom program error: 0x1776",
        ),
        (
            TransactionErrorInstructionError(0, InstructionErrorFieldless.MissingRequiredSignature),
            {"InstructionError": [0, "MissingRequiredSignature"]},
            "Error processing Instruction 0: Missing required signature",
        ),
        (TransactionErrorFieldless.BlockhashNotFound, "BlockhashNotFound", "Blockhash not found"),
        (
            TransactionErrorFieldless.InsufficientFundsForFee,
            "InsufficientFundsForFee",
            "Insufficient funds for fee",
        ),
        (
            TransactionErrorInsufficientFundsForRent(2),
            {"InsufficientFundsForRent": {"account_index": 2}},
            "Transaction results in an account (2) with insufficient funds for rent",
        ),
        (TransactionErrorDuplicateInstruction(1), {"DuplicateInstruction": 1}, "Duplicate instruction: 1"),
    ],
)
def test_an_error_is_written_as_a_node_writes_it(error: object, json: object, text: str) -> None:
    assert error_json(error) == json
    assert error_text(json) == text
