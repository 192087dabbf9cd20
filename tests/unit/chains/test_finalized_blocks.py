"""What is kept of finalized blocks is bounded, whatever they hold."""

from __future__ import annotations

from chains import finalized_blocks
from chains.answers import BlockSignatures, reader
from chains.endpoint import Endpoint
from chains.finalized_blocks import FinalizedBlocks


def block(height: int) -> BlockSignatures:
    return reader(BlockSignatures).decode(
        b'{"blockhash": "b", "previousBlockhash": "a", "parentSlot": %d, "blockHeight": %d, "signatures": []}'
        % (height - 1, height)
    )


async def test_empty_blocks_are_let_go_too(monkeypatch):
    monkeypatch.setattr(finalized_blocks, "_WEIGHT_KEPT", 1_000)
    endpoint = Endpoint("http://127.0.0.1:1")
    blocks = FinalizedBlocks(endpoint)
    for height in range(1, 1_001):
        blocks._keep(height, block(height))
    assert 0 < len(blocks._kept) < 200
    blocks.forget(range(1_001))
    assert (len(blocks._kept), blocks._weight) == (0, 0)
    await endpoint.close()
