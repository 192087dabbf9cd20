"""A message taken apart and compiled again is the same message, whatever its version; what it hides is not guessed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey

from tests.unit.chains.small_world import GUARD, RENT, composed, making_account, swap, table
from venues.remote.decompile import decompile

PAYER, RECENT = Pubkey(b"p" * 32), Hash.hash(b"recent")
KEYS = [Pubkey(bytes([at]) * 32) for at in range(1, 20)]
METAS = st.builds(AccountMeta, st.sampled_from(KEYS), st.booleans(), st.booleans())
STEPS = st.lists(
    st.builds(Instruction, st.sampled_from(KEYS), st.binary(max_size=10), st.lists(METAS, max_size=8)),
    min_size=1,
    max_size=5,
)


@settings(max_examples=200)
@given(STEPS, st.booleans(), st.lists(st.sampled_from(KEYS), unique=True))
def test_it_compiles_to_what_it_was(steps: list[Instruction], legacy: bool, held: list[Pubkey]) -> None:
    tables = [AddressLookupTableAccount(Pubkey(b"t" * 32), held)] if held and not legacy else []
    if legacy:
        message: Message | MessageV0 = Message.new_with_blockhash(steps, PAYER, RECENT)
        again: Message | MessageV0 = Message.new_with_blockhash(decompile(message, []), PAYER, RECENT)
    else:
        message = MessageV0.try_compile(PAYER, steps, tables, RECENT)
        again = MessageV0.try_compile(PAYER, decompile(message, tables), tables, RECENT)
    assert again == message


def test_beside_guard_and_memo_it_is_as_if_compiled_from_the_start() -> None:
    theirs = MessageV0.try_compile(swap().accounts[2].pubkey, [making_account(), swap()], [table()], RECENT)
    put_in = composed(*decompile(theirs, [table()]), tables=[table()], guard=GUARD.instructions(RENT))
    assert put_in == composed(making_account(), swap(), tables=[table()], guard=GUARD.instructions(RENT))


def test_what_a_table_does_not_show_is_not_guessed() -> None:
    message = MessageV0.try_compile(PAYER, [swap()], [table()], RECENT)
    short = AddressLookupTableAccount(table().key, table().addresses[:2])
    for tables in ([], [short]):
        with pytest.raises(ValueError, match="lookup table"):
            decompile(message, tables)
