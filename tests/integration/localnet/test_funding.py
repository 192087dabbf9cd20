"""A wallet that the local chain funds: its balance shows all of it at once, as confirmed, as workers read it."""

from __future__ import annotations

from pathlib import Path

from solders.keypair import Keypair

from chains.solana_client import SolanaChain
from localnet.funding import fund
from localnet.keys import FAUCET_KEY, MARKET_KEY, read_key
from localnet.world import WALLET_LAMPORTS
from tests.integration.localnet.local_node import LocalNode
from tests.ports import free_port


async def test_a_wallet_is_funded_once_its_confirmed_balance_shows_it(tmp_path: Path) -> None:
    """Blocks are far apart: what one is seen in is confirmed long after."""
    node = LocalNode(tmp_path, free_port(), slot_ms=400)
    node.start()
    wallet = str(Keypair().pubkey())
    try:
        async with SolanaChain(node.url) as chain:
            await fund(chain, read_key(tmp_path / MARKET_KEY), read_key(tmp_path / FAUCET_KEY), wallet)
            assert await chain.lamports(wallet) == WALLET_LAMPORTS
    finally:
        node.stop()
