"""Why a transaction is not signed: a stable code for each reason, which the order's record and the metrics name."""

from __future__ import annotations

from enum import StrEnum


class RefusalReason(StrEnum):
    """Names are public and never change their meaning."""

    UNREADABLE = "unreadable"
    ANOTHER_PAYER = "another_payer"
    ANOTHER_SIGNER = "another_signer"
    ANOTHER_BLOCKHASH = "another_blockhash"
    UNKNOWN_TABLE = "unknown_table"
    TOO_LARGE = "too_large"
    DURABLE_NONCE = "durable_nonce"
    COMPUTE_BUDGET = "compute_budget"
    FEE_TOO_HIGH = "fee_too_high"
    NO_GUARD = "no_guard"
    GUARD_TOUCHED = "guard_touched"
    WRONG_MEMO = "wrong_memo"
    WRONG_TIP = "wrong_tip"
    UNKNOWN_PROGRAM = "unknown_program"
    TRANSFER = "transfer"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_DELEGATED = "account_delegated"
    ACCOUNT_REASSIGNED = "account_reassigned"
    ACCOUNT_MADE = "account_made"
    ACCOUNT_CHANGED = "account_changed"
    OWN_ACCOUNT = "own_account"
    NOT_ONE_SWAP = "not_one_swap"
    UNREADABLE_SWAP = "unreadable_swap"
    WRONG_OWNER = "wrong_owner"
    WRONG_SOURCE = "wrong_source"
    WRONG_DESTINATION = "wrong_destination"
    WRONG_EXACT_SIDE = "wrong_exact_side"
    TOO_MUCH_IN = "too_much_in"
    MINIMUM_TOO_LOW = "minimum_too_low"
    SIMULATED_UNSEEN = "simulated_unseen"
    SIMULATED_TOO_MUCH_IN = "simulated_too_much_in"
    SIMULATED_TOO_LITTLE_OUT = "simulated_too_little_out"
    SIMULATED_LAMPORTS = "simulated_lamports"
    SIMULATED_CHANGE = "simulated_change"
