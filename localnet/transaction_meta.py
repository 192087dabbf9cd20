"""What came of an executed transaction, as getTransaction and getBlock show it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey
from solders.transaction_metadata import TransactionMetadata

from localnet.bank import Executed
from localnet.messages import compiled_instruction
from localnet.token_accounts import Lookup, decimals_of, token_balances
from localnet.transaction_errors import ErrorJson


def transaction_meta(executed: Executed, error: ErrorJson | None, lookup: Lookup) -> dict[str, Any]:
    """The ``meta`` of a transaction in a block; ``lookup`` finds mints."""
    metadata = executed.metadata
    # A transaction names few mints, and each many times.
    known: dict[Pubkey, int | None] = {}

    def decimals(mint: Pubkey) -> int | None:
        if mint not in known:
            known[mint] = decimals_of(mint, lookup)
        return known[mint]

    meta: dict[str, Any] = {
        "err": error,
        "status": {"Ok": None} if error is None else {"Err": error},
        "fee": metadata.fee(),
        "preBalances": _lamports(executed.before),
        "postBalances": _lamports(executed.after),
        "preTokenBalances": token_balances(executed.before, decimals),
        "postTokenBalances": token_balances(executed.after, decimals),
        "innerInstructions": inner_instructions(metadata),
        "logMessages": metadata.logs(),
        "loadedAddresses": {
            "writable": [str(key) for key in executed.keys.loaded_writable],
            "readonly": [str(key) for key in executed.keys.loaded_readonly],
        },
        "computeUnitsConsumed": metadata.compute_units_consumed(),
        "rewards": [],
    }
    returned = return_data(metadata)
    if returned:
        meta["returnData"] = returned
    return meta


def inner_instructions(
    metadata: TransactionMetadata, show: Callable[[Any, int | None], dict[str, Any]] = compiled_instruction
) -> list[dict[str, Any]]:
    """What each instruction's program called, by the instruction's index; ``show`` is given its stack height, too."""
    return [
        {
            "index": index,
            "instructions": [show(instruction.instruction(), instruction.stack_height()) for instruction in inner],
        }
        for index, inner in enumerate(metadata.inner_instructions())
        if inner
    ]


def return_data(metadata: TransactionMetadata) -> dict[str, Any] | None:
    data = metadata.return_data()
    if not data.data:
        return None
    return {"programId": str(data.program_id), "data": [base64.b64encode(bytes(data.data)).decode(), "base64"]}


def _lamports(accounts: Sequence[Account | None]) -> list[int]:
    return [account.lamports if account else 0 for account in accounts]
