"""Slots and blockhashes of the local chain, functions of a block's number and its secret seed.

A block's number counts all blocks ever made, its height those that are on the chain (see ``canonical``), and its slot
the turns to make a block. As on a real chain some turns are missed: every twentieth slot is skipped and has no block.
So a client that takes a slot for a height fails here already and not on mainnet. An empty block needs no storage.
"""

from __future__ import annotations

import hashlib

from solders.hash import Hash

SKIPPED_EVERY = 20
# A transaction may land in the 150 blocks after the one whose hash it carries.
WINDOW = 150


def slot_of(number: int) -> int:
    """The slot of the block ``number``."""
    return number + number // (SKIPPED_EVERY - 1)


def number_by(slot: int) -> int:
    """The number of the last block made at or before ``slot``."""
    return slot - (slot + 1) // SKIPPED_EVERY


def blockhash(seed: bytes, number: int) -> Hash:
    """The hash of the block ``number``: nobody can predict it without ``seed``, and no other chain has it."""
    return Hash(hashlib.sha256(seed + number.to_bytes(8, "little")).digest())


def genesis_hash(seed: bytes) -> Hash:
    """The hash by which this chain is told from any other."""
    return Hash(hashlib.sha256(b"genesis" + seed).digest())
