"""A compiled message as what it asks for: each instruction with its accounts, those of lookup tables put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from solders.hash import Hash
from solders.message import Message, MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey

from chains.errors import TransactionRefusedError
from chains.panics import PanicError, panics_raised
from chains.refusals import RefusalReason

LookupTables = Mapping[Pubkey, Sequence[Pubkey]]
"""What lookup tables hold, as the chain itself showed it: tables only ever grow, so an index keeps its meaning."""

_SIGNATURE_BYTES = 64


class Step(NamedTuple):
    """One instruction."""

    program: Pubkey
    accounts: tuple[Pubkey, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Decoded:
    """A message, legacy or version 0. ``static`` is how many of ``keys`` stand in the message itself, first among them
    the fee payer; ``signers`` how many signatures it needs; ``size`` is that of the signed transaction, in bytes.
    """

    keys: tuple[Pubkey, ...]
    static: int
    signers: int
    blockhash: Hash
    steps: tuple[Step, ...]
    size: int

    @property
    def payer(self) -> Pubkey:
        return self.keys[0]


def decode(message: Message | MessageV0, tables: LookupTables | None = None) -> Decoded:
    """Raises TransactionRefusedError where it names an account that can't be told."""
    if not isinstance(message, Message | MessageV0):
        raise TransactionRefusedError("it is of a version that can't be read", RefusalReason.UNREADABLE)
    own = message.account_keys
    loaded_writable, loaded_readonly = _loaded(message, tables or {})
    keys = (*own, *loaded_writable, *loaded_readonly)
    name = keys.__getitem__
    signers = message.header.num_required_signatures
    try:
        steps = tuple(
            [
                Step(own[each.program_id_index], tuple(map(name, each.accounts)), bytes(each.data))
                for each in message.instructions
            ]
        )
        keys[0]
    except IndexError:
        raise TransactionRefusedError("it names an account that it doesn't have", RefusalReason.UNREADABLE) from None
    return Decoded(
        keys=keys,
        static=len(own),
        signers=signers,
        blockhash=message.recent_blockhash,
        steps=steps,
        size=signed_size(message),
    )


def signed_size(message: Message | MessageV0) -> int:
    """The bytes of the transaction once all have signed. Raises TransactionRefusedError where it is larger than any
    transaction can be written.
    """
    try:
        with panics_raised():
            size = len(to_bytes_versioned(message))
    except PanicError:
        raise TransactionRefusedError("it is too large to be written", RefusalReason.TOO_LARGE) from None
    return 1 + _SIGNATURE_BYTES * message.header.num_required_signatures + size


def _loaded(message: Message | MessageV0, tables: LookupTables) -> tuple[list[Pubkey], list[Pubkey]]:
    writable: list[Pubkey] = []
    readonly: list[Pubkey] = []
    if isinstance(message, MessageV0):
        for lookup in message.address_table_lookups:
            table = tables.get(lookup.account_key)
            if table is None or max((*lookup.writable_indexes, *lookup.readonly_indexes), default=0) >= len(table):
                raise TransactionRefusedError(
                    f"it uses an address lookup table that hides an account: {lookup.account_key}",
                    RefusalReason.UNKNOWN_TABLE,
                )
            writable += [table[index] for index in lookup.writable_indexes]
            readonly += [table[index] for index in lookup.readonly_indexes]
    return writable, readonly
