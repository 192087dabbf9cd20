"""Slots, heights and blockhashes of the local chain, all functions of its secret seed: an empty block needs no storage.

A height counts blocks, a slot counts turns to make one. As on a real chain some turns are missed: every twentieth slot
is skipped and has no block. A client that takes a slot for a height is found out here, not on mainnet.
"""

from __future__ import annotations

import hashlib

from solders.hash import Hash

SKIPPED_EVERY = 20
# A transaction may land in the 150 blocks after the one whose hash it carries.
WINDOW = 150


def slot_of(height: int) -> int:
    """The slot of the block at ``height``."""
    return height + height // (SKIPPED_EVERY - 1)


def height_by(slot: int) -> int:
    """The height of the last block at or before ``slot``."""
    return slot - (slot + 1) // SKIPPED_EVERY


def is_skipped(slot: int) -> bool:
    """Whether ``slot`` has no block."""
    return slot % SKIPPED_EVERY == SKIPPED_EVERY - 1


def blockhash(seed: bytes, height: int) -> Hash:
    """The hash of the block at ``height``: unforeseeable without ``seed``, and never the same on another chain."""
    return Hash(hashlib.sha256(seed + height.to_bytes(8, "little")).digest())


def genesis_hash(seed: bytes) -> Hash:
    """What tells this chain from any other."""
    return Hash(hashlib.sha256(b"genesis" + seed).digest())
