"""Time that passes at once, for whoever tests against the chain: the one method here that no real node has."""

from __future__ import annotations

from typing import Any

from localnet.rpc.node import Method, Node
from localnet.rpc.params import Params, invalid

MOST_BLOCKS = 10_000


def skip_blocks(node: Node, params: Params) -> Any:
    """Close the open block and make so many empty ones (1 to ``MOST_BLOCKS``) after it; the newest block's height.

    Blockhashes run out and blocks become final as if the time had passed; block times are never of the future.
    """
    count = params.integer(0)
    if not 1 <= count <= MOST_BLOCKS:
        raise invalid(f"parameter 1 is a number of blocks from 1 to {MOST_BLOCKS}")
    if node.chain.has_open_transactions:
        node.chain.close_block()
    node.chain.make_empty_blocks(count)
    return node.chain.height("processed")


METHODS: dict[str, Method] = {"localnet_skipBlocks": skip_blocks}
