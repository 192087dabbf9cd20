"""Heights, slots and blockhashes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from localnet.slots import SKIPPED_EVERY, blockhash, genesis_hash, number_by, slot_of

heights = st.integers(0, 10**9)


def is_skipped(slot: int) -> bool:
    return slot % SKIPPED_EVERY == SKIPPED_EVERY - 1


@given(heights)
def test_a_height_is_found_again_by_its_slot(height: int) -> None:
    assert number_by(slot_of(height)) == height
    assert not is_skipped(slot_of(height))


@given(heights)
def test_a_skipped_slot_belongs_to_the_block_before_it(slot: int) -> None:
    found = slot_of(number_by(slot))
    assert found == (slot - 1 if is_skipped(slot) else slot)


def test_slots_grow_by_one_or_over_one_skipped() -> None:
    slots = [slot_of(height) for height in range(60)]
    assert slots[17:21] == [17, 18, 20, 21]
    assert [slot for slot in range(slots[-1]) if slot not in slots] == [19, 39, 59]


def test_blockhashes_differ_by_height_and_by_chain() -> None:
    hashes = {blockhash(seed, height) for seed in (b"a" * 32, b"b" * 32) for height in range(100)}
    assert len(hashes | {genesis_hash(b"a" * 32), genesis_hash(b"b" * 32)}) == 202
