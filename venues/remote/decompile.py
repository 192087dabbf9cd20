"""A compiled message taken apart again: its instructions, to be put beside the guard and compiled as ours."""

from __future__ import annotations

from collections.abc import Sequence

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import AccountMeta, Instruction
from solders.message import Message, MessageV0


def decompile(message: Message | MessageV0, tables: Sequence[AddressLookupTableAccount]) -> list[Instruction]:
    """``tables`` are those it names, as the chain shows them. Raises ``ValueError`` where it names what isn't there.

    An account is a signer, or writable, in each instruction where it is in any: so the runtime has it, too.
    """
    metas = [*_own(message), *_loaded(message, tables)]
    try:
        return [
            Instruction(metas[one.program_id_index].pubkey, bytes(one.data), [metas[index] for index in one.accounts])
            for one in message.instructions
        ]
    except IndexError:
        raise ValueError("it names an account that it doesn't have") from None


def _own(message: Message | MessageV0) -> list[AccountMeta]:
    header, keys = message.header, message.account_keys
    signers = header.num_required_signatures
    writable_signers = signers - header.num_readonly_signed_accounts
    writable_end = len(keys) - header.num_readonly_unsigned_accounts
    return [
        AccountMeta(key, at < signers, at < writable_signers if at < signers else at < writable_end)
        for at, key in enumerate(keys)
    ]


def _loaded(message: Message | MessageV0, tables: Sequence[AddressLookupTableAccount]) -> list[AccountMeta]:
    if not isinstance(message, MessageV0):
        return []
    held = {table.key: table.addresses for table in tables}
    writable: list[AccountMeta] = []
    readonly: list[AccountMeta] = []
    for lookup in message.address_table_lookups:
        addresses = held.get(lookup.account_key, [])
        try:
            writable += [AccountMeta(addresses[index], False, True) for index in lookup.writable_indexes]
            readonly += [AccountMeta(addresses[index], False, False) for index in lookup.readonly_indexes]
        except IndexError:
            raise ValueError("it names a lookup table that the chain doesn't show so") from None
    return [*writable, *readonly]
