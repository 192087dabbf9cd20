"""Where the chain stands: slots, heights, blockhashes, identity."""

from __future__ import annotations

from typing import Any

from localnet.chain import Commitment
from localnet.rpc.node import API_VERSION, Method, Node, in_context, require_slot
from localnet.rpc.params import Config, Params
from localnet.slots import WINDOW, slot_of

_SLOTS_IN_EPOCH = 432_000
_FEATURE_SET = 0
_IDENTITY = "11111111111111111111111111111111"


def get_health(node: Node, params: Params) -> Any:
    return "ok"


def get_version(node: Node, params: Params) -> Any:
    return {"solana-core": API_VERSION, "feature-set": _FEATURE_SET}


def get_identity(node: Node, params: Params) -> Any:
    return {"identity": _IDENTITY}


def get_genesis_hash(node: Node, params: Params) -> Any:
    return str(node.chain.genesis_hash)


def get_slot(node: Node, params: Params) -> Any:
    return node.chain.slot(_at(node, params.config(0)))


def get_block_height(node: Node, params: Params) -> Any:
    return node.chain.height(_at(node, params.config(0)))


def get_epoch_info(node: Node, params: Params) -> Any:
    commitment = _at(node, params.config(0))
    slot = node.chain.slot(commitment)
    return {
        "absoluteSlot": slot,
        "blockHeight": node.chain.height(commitment),
        "epoch": slot // _SLOTS_IN_EPOCH,
        "slotIndex": slot % _SLOTS_IN_EPOCH,
        "slotsInEpoch": _SLOTS_IN_EPOCH,
        "transactionCount": node.chain.transaction_count,
    }


def get_transaction_count(node: Node, params: Params) -> Any:
    _at(node, params.config(0))
    return node.chain.transaction_count


def get_latest_blockhash(node: Node, params: Params) -> Any:
    commitment = _at(node, params.config(0))
    return in_context(node, blockhash_at(node, commitment), commitment)


def is_blockhash_valid(node: Node, params: Params) -> Any:
    commitment = _at(node, params.config(1))
    return in_context(node, node.chain.serves(params.blockhash(0), commitment), commitment)


def get_recent_prioritization_fees(node: Node, params: Params) -> Any:
    """Nobody bids for room here: every recent block had some to spare."""
    return [{"slot": slot_of(number), "prioritizationFee": 0} for number in node.chain.newest_blocks(WINDOW)]


def blockhash_at(node: Node, commitment: Commitment) -> dict[str, Any]:
    """The newest blockhash as getLatestBlockhash gives it."""
    number, height = node.chain.newest(commitment), node.chain.height(commitment)
    return {"blockhash": str(node.chain.blockhash(number)), "lastValidBlockHeight": height + WINDOW}


def _at(node: Node, config: Config) -> Any:
    commitment = config.commitment()
    require_slot(node, config.min_context_slot, commitment)
    return commitment


METHODS: dict[str, Method] = {
    "getHealth": get_health,
    "getVersion": get_version,
    "getIdentity": get_identity,
    "getGenesisHash": get_genesis_hash,
    "getSlot": get_slot,
    "getBlockHeight": get_block_height,
    "getEpochInfo": get_epoch_info,
    "getTransactionCount": get_transaction_count,
    "getLatestBlockhash": get_latest_blockhash,
    "isBlockhashValid": is_blockhash_valid,
    "getRecentPrioritizationFees": get_recent_prioritization_fees,
}
