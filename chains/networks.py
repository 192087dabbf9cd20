"""Solana's public networks by their genesis hash; any other chain is somebody's own."""

from __future__ import annotations

_NETWORKS = {
    "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d": "mainnet-beta",
    "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG": "devnet",
    "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY": "testnet",
}


def network_of(genesis_hash: str) -> str:
    """The name that orders carry for the chain with this genesis hash."""
    return _NETWORKS.get(genesis_hash, "localnet")
