"""Finalized blocks of one endpoint, each read once: attempts that expire together ask for the same ~150 of them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable

from chains.answers import U64, BlockSignatures
from chains.endpoint import Endpoint
from chains.errors import UnansweredError
from chains.single_flight import SingleFlight

# The block of the blockhash, the 150 in which a transaction with it can land, and the first past them.
_WINDOW = 152
_BLOCKS_AT_MOST = 1000
_READS_AT_ONCE = 8

# A mainnet block names thousands of signatures, so what is kept is bounded by them: about 30 MB. A block itself weighs
# as much as a few: on a quiet chain empty ones alone would never be let go.
_WEIGHT_KEPT = 200_000
_BLOCK_WEIGHT = 8


class FinalizedBlocks:
    """Reads blocks by their signatures alone. A finalized block never changes, so one reading serves every attempt."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._reads = asyncio.Semaphore(_READS_AT_ONCE)
        self._ranges: SingleFlight[tuple[int, int], list[tuple[int, BlockSignatures]]] = SingleFlight()
        self._flight: SingleFlight[int, BlockSignatures] = SingleFlight()
        self._kept: OrderedDict[int, BlockSignatures] = OrderedDict()
        self._weight = 0

    async def through(self, slot: int, height: int) -> list[tuple[int, BlockSignatures]]:
        """The blocks from ``slot`` on, with their slots, up to the first above ``height``, as far as there are any.

        Skipped slots have no block and are not listed. What is returned may be incomplete: check its links.
        """
        return await self._ranges.run((slot, height), lambda: self._through(slot, height))

    async def _through(self, slot: int, height: int) -> list[tuple[int, BlockSignatures]]:
        slots = await self._list(slot, _WINDOW)
        if not slots:
            return []
        first = await self._block(slots[0])
        count = max(1, height - first.block_height + 2)
        if count > _WINDOW:
            slots = await self._list(slot, min(count, _BLOCKS_AT_MOST))
        slots = slots[:count]
        return list(zip(slots, await asyncio.gather(*map(self._block, slots)), strict=True))

    def forget(self, slots: Iterable[int]) -> None:
        """Read ``slots`` anew next time: what was read contradicts itself."""
        for slot in slots:
            if block := self._kept.pop(slot, None):
                self._weight -= _weight(block)

    async def _list(self, slot: int, count: int) -> list[int]:
        # By count and not getBlocks' end slot: a chain that was restarted skips any number of slots.
        config = {"commitment": "finalized"}
        slots: list[int] = await self._endpoint.call("getBlocksWithLimit", slot, count, config, shape=list[U64])
        return slots

    async def _block(self, slot: int) -> BlockSignatures:
        if block := self._kept.get(slot):
            return block
        return await self._flight.run(slot, lambda: self._read(slot))

    async def _read(self, slot: int) -> BlockSignatures:
        config = {
            "commitment": "finalized",
            "encoding": "json",
            "transactionDetails": "signatures",
            "rewards": False,
            "maxSupportedTransactionVersion": 0,
        }
        async with self._reads:
            block: BlockSignatures | None = await self._endpoint.call(
                "getBlock", slot, config, shape=BlockSignatures | None
            )
        if block is None:
            raise UnansweredError(self._endpoint.name, f"block {slot} is listed and can't be read")
        self._keep(slot, block)
        return block

    def _keep(self, slot: int, block: BlockSignatures) -> None:
        self._kept[slot] = block
        self._weight += _weight(block)
        while self._weight > _WEIGHT_KEPT:
            self._weight -= _weight(self._kept.popitem(last=False)[1])


def _weight(block: BlockSignatures) -> int:
    """In signatures."""
    return _BLOCK_WEIGHT + len(block.signatures)
