"""What every RPC method is given, and what it may answer with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from solders.keypair import Keypair

from localnet.chain import Chain, Commitment
from localnet.errors import RpcError
from localnet.rpc.params import Params

API_VERSION = "2.3.0"
MIN_CONTEXT_SLOT_NOT_REACHED = -32016


@dataclass(frozen=True, slots=True)
class Node:
    """The chain, and the wallet that ``requestAirdrop`` gives from."""

    chain: Chain
    faucet: Keypair

    def __repr__(self) -> str:
        return f"Node(faucet={self.faucet.pubkey()})"


Method = Callable[[Node, Params], Any]


def in_context(node: Node, value: object, commitment: Commitment = "processed") -> dict[str, Any]:
    """``value`` with the slot it is of."""
    return {"context": {"apiVersion": API_VERSION, "slot": node.chain.slot(commitment)}, "value": value}


def require_slot(node: Node, minimum: int | None, commitment: Commitment) -> None:
    """Refuse, as ``minContextSlot`` asks, to answer from before ``minimum``."""
    slot = node.chain.slot(commitment)
    if minimum is not None and slot < minimum:
        raise RpcError(MIN_CONTEXT_SLOT_NOT_REACHED, "Minimum context slot has not been reached", {"contextSlot": slot})
