"""Blocks and where they stand."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from localnet.chain import Commitment
from localnet.errors import RpcError
from localnet.ledger_rows import Landed
from localnet.messages import (
    AccountKeys,
    checked_message,
    encode_transaction,
    key_list,
    version_of,
    writable_flags,
)
from localnet.rpc.node import Method, Node
from localnet.rpc.params import INVALID_PARAMS, Config, Params
from localnet.slots import slot_of

BLOCK_NOT_AVAILABLE = -32004
SLOT_SKIPPED = -32007
UNSUPPORTED_TRANSACTION_VERSION = -32015

_DETAILS = ("full", "accounts", "signatures", "none")
ENCODINGS = ("json", "jsonParsed", "base64", "base58")
_MOST_BLOCKS = 500_000
_NO_HASH = "11111111111111111111111111111111"


def get_block(node: Node, params: Params) -> Any:
    slot, config = params.integer(0), params.config(1)
    number = _block_in(node, slot, config.settled_commitment())
    height = node.chain.height_of(number)
    parent = node.chain.block_at(height - 1) if height else None
    details = config.choice("transactionDetails", _DETAILS, "full")
    block: dict[str, Any] = {
        "blockhash": str(node.chain.blockhash(number)),
        "previousBlockhash": _NO_HASH if parent is None else str(node.chain.blockhash(parent)),
        "parentSlot": 0 if parent is None else slot_of(parent),
        "blockHeight": height,
        "blockTime": node.chain.unix_time(number),
    }
    if details != "none":
        landed = node.chain.ledger.block(number)
        if details == "signatures":
            block["signatures"] = [str(transaction.signature) for transaction in landed]
        else:
            block["transactions"] = [show_transaction(transaction, config, details) for transaction in landed]
    if config.flag("rewards", default=True):
        block["rewards"] = []
    return block


def get_blocks(node: Node, params: Params) -> Any:
    start, end = params.integer(0), params.optional_integer(1)
    commitment = params.last_config(1).settled_commitment()
    last = node.chain.slot(commitment) if end is None else min(end, node.chain.slot(commitment))
    if last - start > _MOST_BLOCKS:
        raise RpcError(INVALID_PARAMS, f"Slot range too large; max {_MOST_BLOCKS}")
    return [slot for slot in range(start, last + 1) if node.chain.block_in(slot) is not None]


def get_blocks_with_limit(node: Node, params: Params) -> Any:
    start, limit = params.integer(0), params.integer(1)
    if limit > _MOST_BLOCKS:
        raise RpcError(INVALID_PARAMS, f"Limit too large; max {_MOST_BLOCKS}")
    commitment = params.config(2).settled_commitment()
    found: list[int] = []
    for slot in range(start, node.chain.slot(commitment) + 1):
        if len(found) == limit:
            break
        if node.chain.block_in(slot) is not None:
            found.append(slot)
    return found


def get_block_time(node: Node, params: Params) -> Any:
    """Of any block there is, as a node answers: who has read an account at ``processed`` may ask how old that is."""
    return node.chain.unix_time(_block_in(node, params.integer(0), "processed"))


def get_first_available_block(node: Node, params: Params) -> Any:
    """Nothing is ever purged here."""
    return 0


def show_transaction(landed: Landed, config: Config, details: str = "full") -> dict[str, Any]:
    """A transaction with its meta, in the encoding and at the version the client asked for."""
    encoding = config.choice("encoding", ENCODINGS, "json") if details == "full" else "accounts"
    most = config.integer("maxSupportedTransactionVersion")
    # The meta names what a lookup table loaded: these encodings show the accounts with it, the others without.
    loads_keys = encoding in ("jsonParsed", "accounts")
    version, shown = _encoded(landed.wire, landed.meta if loads_keys else None, encoding)
    if most is None and version != "legacy":
        raise RpcError(
            UNSUPPORTED_TRANSACTION_VERSION,
            f"Transaction version ({version}) is not supported by the requesting client. "
            "Please try the request again with the following configuration parameter: "
            '"maxSupportedTransactionVersion": 0',
        )
    meta: Any = orjson.Fragment(landed.meta)
    if details == "accounts":
        whole = orjson.loads(landed.meta)
        kept = ("err", "status", "fee", "preBalances", "postBalances", "preTokenBalances", "postTokenBalances")
        meta = {name: whole[name] for name in kept}
    entry = {"transaction": orjson.Fragment(shown), "meta": meta}
    if most is not None:
        entry["version"] = version
    return entry


@lru_cache(maxsize=4096)
def _encoded(wire: bytes, meta: bytes | None, encoding: str) -> tuple[int | str, bytes]:
    """The version of a transaction and its JSON. Made once: who sent it asks at several commitments,
    the last time once it is final, 32 blocks later."""
    transaction = VersionedTransaction.from_bytes(wire)
    message = checked_message(transaction)
    loaded_addresses = orjson.loads(meta)["loadedAddresses"] if meta else {"writable": (), "readonly": ()}
    loaded = [tuple(Pubkey.from_string(key) for key in loaded_addresses[kind]) for kind in ("writable", "readonly")]
    flags = writable_flags(message) + (True,) * len(loaded[0]) + (False,) * len(loaded[1])
    keys = AccountKeys(tuple(message.account_keys), loaded[0], loaded[1], flags)
    if encoding == "accounts":
        shown: Any = {
            "signatures": [str(signature) for signature in transaction.signatures],
            "accountKeys": key_list(message, keys),
        }
    else:
        shown = encode_transaction(transaction, wire, encoding, keys)
    return version_of(message), orjson.dumps(shown)


def _block_in(node: Node, slot: int, commitment: Commitment) -> int:
    if slot > node.chain.slot(commitment):
        raise RpcError(BLOCK_NOT_AVAILABLE, f"Block not available for slot {slot}")
    number = node.chain.block_in(slot)
    if number is None:
        raise RpcError(SLOT_SKIPPED, f"Slot {slot} was skipped, or missing due to ledger jump to recent snapshot")
    return number


METHODS: dict[str, Method] = {
    "getBlock": get_block,
    "getBlocks": get_blocks,
    "getBlocksWithLimit": get_blocks_with_limit,
    "getBlockTime": get_block_time,
    "getFirstAvailableBlock": get_first_available_block,
    "minimumLedgerSlot": get_first_available_block,
}
