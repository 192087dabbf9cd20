"""Which guard each transaction on the chain has made, read from the transaction itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from solders.pubkey import Pubkey

from chains.guard import SYSTEM_PROGRAM, TOKEN_PROGRAM
from tests.chaos.node import FaultyNode
from tests.chaos.verdict import Landed

_ALLOCATE_WITH_SEED = 9
_AT_ONCE = 16


async def guards_of(node: FaultyNode, chain: Mapping[UUID, Sequence[Landed]]) -> dict[str, set[str]]:
    """By signature of each success that carries an order's memo, the guards that it made."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def made(signature: str) -> tuple[str, set[str]]:
        config = {"commitment": "confirmed", "encoding": "json", "maxSupportedTransactionVersion": 0}
        async with turns:
            found = await node.truth("getTransaction", signature, config)
        return signature, _allocated(found["transaction"]["message"])

    succeeded = [one["signature"] for found in chain.values() for one in found if one["err"] is None]
    return dict(await asyncio.gather(*map(made, succeeded)))


def _allocated(message: dict[str, Any]) -> set[str]:
    """The token accounts that the message's own instructions allocate by a seed."""
    keys, found = message["accountKeys"], set()
    for step in message["instructions"]:
        data = _base58(step["data"])
        is_allocation = keys[step["programIdIndex"]] == SYSTEM_PROGRAM and data[:4] == bytes(
            [_ALLOCATE_WITH_SEED, 0, 0, 0]
        )
        if is_allocation and data[-32:] == bytes(Pubkey.from_string(TOKEN_PROGRAM)):
            found.add(keys[step["accounts"][0]])
    return found


def _base58(text: str) -> bytes:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number = 0
    for letter in text:
        number = number * 58 + alphabet.index(letter)
    leading = len(text) - len(text.lstrip("1"))
    return bytes(leading) + number.to_bytes((number.bit_length() + 7) // 8)
