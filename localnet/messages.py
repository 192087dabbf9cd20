"""Reads a transaction's message: its accounts in the order programs index them, its memos, its wire form as JSON."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from solders.account import Account
from solders.address_lookup_table_account import AddressLookupTable
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from chains import base58
from localnet.errors import UnsupportedMessageError

MEMO_PROGRAMS = tuple(
    Pubkey.from_string(address)
    for address in ("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr", "Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo")
)


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """A message's accounts: its own keys, then those its lookup tables name, writable ones first."""

    own: tuple[Pubkey, ...]
    loaded_writable: tuple[Pubkey, ...]
    loaded_readonly: tuple[Pubkey, ...]
    writable: tuple[bool, ...]

    @property
    def all(self) -> tuple[Pubkey, ...]:
        return self.own + self.loaded_writable + self.loaded_readonly


def checked_message(transaction: VersionedTransaction) -> Message | MessageV0:
    """The transaction's message. Raises ``UnsupportedMessageError``."""
    message = transaction.message
    if isinstance(message, Message | MessageV0):
        return message
    raise UnsupportedMessageError("transactions are legacy or version 0")


def resolve_keys(message: object, account: Callable[[Pubkey], Account | None]) -> AccountKeys:
    """The accounts of ``message``; a lookup table that can't be read adds none, and then the execution fails."""
    if not isinstance(message, Message | MessageV0):
        raise UnsupportedMessageError("transactions are legacy or version 0")
    own = tuple(message.account_keys)
    flags = writable_flags(message)
    writable: list[Pubkey] = []
    readonly: list[Pubkey] = []
    for lookup in message.address_table_lookups if isinstance(message, MessageV0) else ():
        table = account(lookup.account_key)
        addresses = _table_addresses(table) if table else []
        writable += [addresses[index] for index in lookup.writable_indexes if index < len(addresses)]
        readonly += [addresses[index] for index in lookup.readonly_indexes if index < len(addresses)]
    flags += (True,) * len(writable) + (False,) * len(readonly)
    return AccountKeys(own, tuple(writable), tuple(readonly), flags)


def writable_flags(message: Message | MessageV0) -> tuple[bool, ...]:
    """Signers come first, and in each half the writable ones."""
    header, keys = message.header, len(message.account_keys)
    signers = header.num_required_signatures
    readonly = header.num_readonly_signed_accounts, header.num_readonly_unsigned_accounts
    writable = signers - readonly[0], keys - signers - readonly[1]
    return (True,) * writable[0] + (False,) * readonly[0] + (True,) * writable[1] + (False,) * readonly[1]


def _table_addresses(table: Account) -> list[Pubkey]:
    try:
        return AddressLookupTable.deserialize(table.data).addresses
    except ValueError:
        return []


def memo_of(message: Message | MessageV0) -> str | None:
    """The message's memos as getSignaturesForAddress shows them: ``[length] text``, joined by ``; ``."""
    memos = []
    for instruction in message.instructions:
        if message.account_keys[instruction.program_id_index] in MEMO_PROGRAMS:
            data = bytes(instruction.data)
            memos.append(f"[{len(data)}] {_memo_text(data)}")
    return "; ".join(memos) or None


def _memo_text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "(unparseable)"


def version_of(message: Message | MessageV0) -> int | str:
    return 0 if isinstance(message, MessageV0) else "legacy"


def encode_transaction(transaction: VersionedTransaction, wire: bytes, encoding: str, keys: AccountKeys) -> Any:
    """The transaction in one of the RPC's encodings: base64, base58, json or jsonParsed."""
    if encoding == "base64":
        return [base64.b64encode(wire).decode(), "base64"]
    if encoding == "base58":
        return [base58.encode(wire), "base58"]
    message = checked_message(transaction)
    body: dict[str, Any] = {
        "accountKeys": key_list(message, keys) if encoding == "jsonParsed" else [str(key) for key in keys.own],
        "recentBlockhash": str(message.recent_blockhash),
        "instructions": [
            _parsed_instruction(instruction, keys) if encoding == "jsonParsed" else compiled_instruction(instruction)
            for instruction in message.instructions
        ],
    }
    if encoding == "json":
        header = message.header
        body["header"] = {
            "numRequiredSignatures": header.num_required_signatures,
            "numReadonlySignedAccounts": header.num_readonly_signed_accounts,
            "numReadonlyUnsignedAccounts": header.num_readonly_unsigned_accounts,
        }
    if isinstance(message, MessageV0):
        body["addressTableLookups"] = [
            {
                "accountKey": str(lookup.account_key),
                "writableIndexes": list(lookup.writable_indexes),
                "readonlyIndexes": list(lookup.readonly_indexes),
            }
            for lookup in message.address_table_lookups
        ]
    return {"signatures": [str(signature) for signature in transaction.signatures], "message": body}


def key_list(message: Message | MessageV0, keys: AccountKeys) -> list[dict[str, Any]]:
    """The accounts as jsonParsed and ``transactionDetails: accounts`` show them."""
    signers = message.header.num_required_signatures
    return [
        {
            "pubkey": str(key),
            "signer": index < signers,
            "writable": keys.writable[index],
            "source": "transaction" if index < len(keys.own) else "lookupTable",
        }
        for index, key in enumerate(keys.all)
    ]


def compiled_instruction(instruction: Any, stack_height: int | None = None) -> dict[str, Any]:
    return {
        "programIdIndex": instruction.program_id_index,
        "accounts": list(instruction.accounts),
        "data": _data(bytes(instruction.data)),
        "stackHeight": stack_height,
    }


# Most of a transaction's instructions say the same in many transactions.
_data = lru_cache(maxsize=4096)(base58.encode)


def _parsed_instruction(instruction: Any, keys: AccountKeys) -> dict[str, Any]:
    """Memos are parsed; of everything else the accounts are named and the data is left as it is."""
    program = keys.all[instruction.program_id_index]
    if program in MEMO_PROGRAMS:
        memo = _memo_text(bytes(instruction.data))
        return {"program": "spl-memo", "programId": str(program), "parsed": memo, "stackHeight": None}
    return {
        "programId": str(program),
        "accounts": [str(keys.all[index]) for index in instruction.accounts],
        "data": base58.encode(bytes(instruction.data)),
        "stackHeight": None,
    }
