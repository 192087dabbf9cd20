"""The chain as a node shows it that lags: the same blocks, some of them later."""

from __future__ import annotations

from localnet.chain import Chain, Commitment
from localnet.slots import slot_of


class Replica(Chain):
    """``chain``, so many ``blocks`` behind at each commitment. What is sent to it runs on the chain at once, as any
    node hands it on to the leader.

    Both are one object's state: whatever isn't a question of how far it has come is answered from it.
    """

    __slots__ = ("_behind", "_whole")

    def __init__(self, chain: Chain, blocks: int) -> None:
        self.__dict__ = chain.__dict__
        self._behind = blocks
        self._whole = chain

    def newest(self, commitment: Commitment) -> int:
        return self._blocks.back(super().newest(commitment), self._behind)

    # Blocks are made of the whole chain: what is settled there stays so, whatever is shown here.

    def close_block(self) -> None:
        self._whole.close_block()

    def make_empty_blocks(self, count: int) -> None:
        self._whole.make_empty_blocks(count)

    def block_in(self, slot: int) -> int | None:
        return super().block_in(slot) if slot <= slot_of(self.newest("processed")) else None
